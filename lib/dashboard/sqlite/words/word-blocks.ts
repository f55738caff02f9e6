import { type Database } from '../database/database.js';

/**
 * The words of log lines are kept in blocks: each a full-text index of its own for the lines of one range of ids. SQLite's index
 * merges its parts within the commit that makes one too many, which takes longer the more is in it, and longest when lines are
 * deleted from it. Small blocks keep that short; nothing is ever deleted from one, it is dropped as a whole when none of its lines
 * is there any more.
 */
export interface WordBlock {
  readonly id: number;
  /** Lines of these ids are looked for here and nowhere else. */
  readonly first: number;
  readonly last: number;
  /** Lines that were ever written. */
  readonly lines: number;
  /** Length of their texts together. */
  readonly chars: number;
  /** How many of them are in the store. */
  readonly live: number;
}

/** A block takes so many lines, or so long texts: its merges then take 10 ms at most. */
const MAX_LINES = 10_000;
const MAX_CHARS = 1_500_000;

/** Of the block that further lines come into. */
const OPEN = Number.MAX_SAFE_INTEGER;
const COLUMNS = `id, first, ifnull(last, ${OPEN}) AS last, lines, chars, live`;

/** The table of a block. */
export function wordsOf({ id }: Pick<WordBlock, 'id'>): string {
  return `words_${id}`;
}

/** The blocks with lines up to that id, newest first. */
export function listBlocks(database: Database, upTo = OPEN): WordBlock[] {
  return database.all<WordBlock>(
    `SELECT ${COLUMNS} FROM word_blocks WHERE first <= ? ORDER BY first DESC`,
    upTo,
  );
}

/** The block that further lines come into; undefined before the first. */
export function findOpenBlock(database: Database): WordBlock | undefined {
  return database.get<WordBlock>(`SELECT ${COLUMNS} FROM word_blocks WHERE last IS NULL`);
}

/** The block before that one. */
export function findBlockBefore(database: Database, { first }: WordBlock): WordBlock | undefined {
  return database.get<WordBlock>(
    `SELECT ${COLUMNS} FROM word_blocks WHERE first < ? ORDER BY first DESC LIMIT 1`,
    first,
  );
}

/**
 * The block with the smallest share of lines that are still there; undefined while words of lines that are gone take no more than
 * the others and a block. The lines that go first are mostly in one block, which is soon gone as a whole.
 */
export function findSparseBlock(database: Database): WordBlock | undefined {
  const { gone, live } = database.one<{ gone: number | null; live: number | null }>(
    `SELECT sum(weight * (lines - live) / lines) AS gone, sum(weight * live / lines) AS live
     FROM (SELECT lines, live, max(lines * 1.0 / ?, chars * 1.0 / ?) AS weight FROM word_blocks WHERE lines > 0)`,
    MAX_LINES,
    MAX_CHARS,
  );
  if ((gone ?? 0) <= 1 + (live ?? 0)) return undefined;
  return database.get<WordBlock>(
    `SELECT ${COLUMNS} FROM word_blocks WHERE last IS NOT NULL ORDER BY live * 1.0 / lines LIMIT 1`,
  );
}

export function isFull({ lines, chars }: Pick<WordBlock, 'lines' | 'chars'>): boolean {
  return lines >= MAX_LINES || chars >= MAX_CHARS;
}

/** Begins a block for the lines from `first` on, or up to `last`. */
export function createBlock(database: Database, first: number, last?: number): WordBlock {
  const { id } = database.one<{ id: number }>(
    'INSERT INTO word_blocks (first, last) VALUES (?, ?) RETURNING id',
    first,
    last ?? null,
  );
  const table = wordsOf({ id });
  database.exec(`
    CREATE VIRTUAL TABLE ${table} USING fts5 (body, content = '', columnsize = 0);
    INSERT INTO ${table} (${table}, rank) VALUES ('automerge', 0), ('crisismerge', 16);
  `);
  return { id, first, last: last ?? OPEN, lines: 0, chars: 0, live: 0 };
}

export function dropBlock(database: Database, block: Pick<WordBlock, 'id'>): void {
  database.exec(`DROP TABLE ${wordsOf(block)}`);
  database.run('DELETE FROM word_blocks WHERE id = ?', block.id);
}

/** To be told which lines were deleted. Drops a block that has none left. */
export function forgetLines(database: Database, ids: readonly number[]): void {
  if (!database.hasWords || ids.length === 0) return;
  const blocks = listBlocks(database);
  const gone = new Map<WordBlock, number>();
  for (const id of ids) {
    const block = blocks.find(({ first, last }) => first <= id && id <= last);
    if (block !== undefined) gone.set(block, (gone.get(block) ?? 0) + 1);
  }
  for (const [block, count] of gone) {
    if (block.live <= count && block.last !== OPEN) dropBlock(database, block);
    else database.run('UPDATE word_blocks SET live = live - ? WHERE id = ?', count, block.id);
  }
}
