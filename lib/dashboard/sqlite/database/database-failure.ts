/** What a failure of SQLite means for the store. */
export type DatabaseFailure =
  | 'busy' // Somebody else is writing: try again.
  | 'corrupt' // The file is no database, or a broken one.
  | 'full' // Disk or database have no room.
  | 'unusable' // The file cannot be read or written at all.
  | 'other';

const BY_CODE: Readonly<Record<number, DatabaseFailure>> = {
  5: 'busy',
  6: 'busy',
  8: 'unusable', // SQLITE_READONLY
  10: 'unusable', // SQLITE_IOERR
  11: 'corrupt',
  13: 'full',
  14: 'unusable', // SQLITE_CANTOPEN
  26: 'corrupt', // SQLITE_NOTADB
};

/** SQLITE_CORRUPT_VTAB and its like carry the primary code in the last byte. */
export function classifyFailure(error: unknown): DatabaseFailure {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? (BY_CODE[code & 0xff] ?? 'other') : 'other';
}
