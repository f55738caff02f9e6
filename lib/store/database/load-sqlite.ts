import type * as sqlite from 'node:sqlite';

import { warnOnce } from '../../errors/warnings.js';

export type Sqlite = typeof sqlite;

/**
 * Node's SQLite, or undefined with one warning where this Node has none. Loaded when it is asked for and not before: Node 22
 * prints an ExperimentalWarning for it.
 */
export function loadSqlite(): Sqlite | undefined {
  try {
    return process.getBuiltinModule('node:sqlite');
  } catch (error) {
    warnOnce(
      'store:sqlite',
      `Nothing is stored for the dashboard: this Node (${process.version}) has no node:sqlite (${String(error)}). ` +
        'Run Node 22.15 or later, or switch the store off with store: false.',
    );
    return undefined;
  }
}
