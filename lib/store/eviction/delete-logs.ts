import { type Database } from '../database/database.js';
import { type Tally } from '../writing/tally.js';

/** Deletes lines and the words they were found by. */
export function deleteLogs(
  database: Database,
  lines: readonly { readonly id: number }[],
  tally: Tally,
): void {
  for (const { id } of lines) {
    database.run('DELETE FROM logs WHERE id = ?', id);
    if (database.hasWords) database.run('DELETE FROM logs_text WHERE rowid = ?', id);
  }
  tally.addLogs(-lines.length);
  tally.addEvicted(lines.length);
}
