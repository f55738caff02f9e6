import type * as sqlite from 'node:sqlite';

import { warnOnce } from '../../../errors/warnings.js';

export type Sqlite = typeof sqlite;

/**
 * Node's SQLite, or undefined with one warning where this Node has none. Loaded when it is asked for and not before: Node
 * before 24.15 prints an ExperimentalWarning for it.
 */
export function loadSqlite(): Sqlite | undefined {
  // Older releases than the type knows of have no such function, and later ones without SQLite give nothing.
  const { getBuiltinModule } = process as Partial<Pick<NodeJS.Process, 'getBuiltinModule'>>;
  const found = getBuiltinModule?.('node:sqlite');
  if (found === undefined)
    warnOnce(
      'store:sqlite',
      `Nothing is stored for the dashboard: this Node (${process.version}) has no node:sqlite. Run Node 22.15 or later, or ` +
        'switch the store off with store: false.',
    );
  return found;
}
