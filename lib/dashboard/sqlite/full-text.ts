import { type Database } from './database/database.js';

/**
 * The words of log lines are kept in blocks: each its own full-text index for the lines of one range of ids. SQLite's index
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
export function tableOf({ id }: Pick<WordBlock, 'id'>): string {
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
function findOpenBlock(database: Database): WordBlock | undefined {
  return database.get<WordBlock>(`SELECT ${COLUMNS} FROM word_blocks WHERE last IS NULL`);
}

/** The block before that one. */
function findBlockBefore(database: Database, { first }: WordBlock): WordBlock | undefined {
  const sql = `SELECT ${COLUMNS} FROM word_blocks WHERE first < ? ORDER BY first DESC LIMIT 1`;
  return database.get<WordBlock>(sql, first);
}

/** What lines take that are gone, and those that are there, in full blocks. */
const WEIGHTS = `SELECT total(weight * (lines - live) / lines) AS gone, total(weight * live / lines) AS live
  FROM (SELECT lines, live, max(lines * 1.0 / ?, chars * 1.0 / ?) AS weight FROM word_blocks WHERE lines > 0)`;
const SPARSEST = `SELECT ${COLUMNS} FROM word_blocks WHERE last IS NOT NULL ORDER BY live * 1.0 / lines LIMIT 1`;

/**
 * The block with the smallest share of lines that are still there; undefined while words of lines that are gone take no more than
 * the others and a block. The lines that go first are mostly in one block, which is soon gone as a whole.
 */
export function findSparseBlock(database: Database): WordBlock | undefined {
  const { gone, live } = database.one<{ gone: number; live: number }>(WEIGHTS, MAX_LINES, MAX_CHARS);
  return gone <= 1 + live ? undefined : database.get<WordBlock>(SPARSEST);
}

function isFull({ lines, chars }: Pick<WordBlock, 'lines' | 'chars'>): boolean {
  return lines >= MAX_LINES || chars >= MAX_CHARS;
}

/** Begins a block for the lines from `first` on, or up to `last`. */
function createBlock(database: Database, first: number, last?: number): WordBlock {
  const sql = 'INSERT INTO word_blocks (first, last) VALUES (?, ?) RETURNING id';
  const { id } = database.one<{ id: number }>(sql, first, last ?? null);
  const table = tableOf({ id });
  database.exec(`
    CREATE VIRTUAL TABLE ${table} USING fts5 (body, content = '', columnsize = 0);
    INSERT INTO ${table} (${table}, rank) VALUES ('automerge', 0), ('crisismerge', 16);
  `);
  return { id, first, last: last ?? OPEN, lines: 0, chars: 0, live: 0 };
}

function dropBlock(database: Database, block: Pick<WordBlock, 'id'>): void {
  database.exec(`DROP TABLE ${tableOf(block)}`);
  database.run('DELETE FROM word_blocks WHERE id = ?', block.id);
}

/** Call it with the lines that were deleted. Drops a block that has none left. */
export function removeLines(database: Database, ids: readonly number[]): void {
  if (!database.hasFullText || ids.length === 0) return;
  const blocks = listBlocks(database);
  const byBlock = Map.groupBy(ids, (id) => blocks.find(({ first, last }) => first <= id && id <= last));
  for (const [block, { length: count }] of byBlock) {
    if (block === undefined) continue;
    if (block.live <= count && block.last !== OPEN) dropBlock(database, block);
    else database.run('UPDATE word_blocks SET live = live - ? WHERE id = ?', count, block.id);
  }
}

/** Of fields and stacks the beginning is enough to find a line by. */
const MAX_SEARCHED_FIELDS = 1_000;

/** What a line is found by. */
interface SearchedLine {
  readonly message: string;
  readonly context: string | null | undefined;
  readonly attributes: string | null | undefined;
}

const ADD = 'UPDATE word_blocks SET lines = lines + ?, chars = chars + ?, live = live + ? WHERE id = ?';

/** Writes words into one block; `write()` says there how much came. */
class BlockWriter {
  private lines = 0;
  private chars = 0;

  constructor(
    private readonly database: Database,
    private readonly block: WordBlock,
  ) {}

  get isFull(): boolean {
    return isFull({ lines: this.block.lines + this.lines, chars: this.block.chars + this.chars });
  }

  add(id: number, { message, context, attributes }: SearchedLine): void {
    const body = `${message} ${context ?? ''} ${attributes?.slice(0, MAX_SEARCHED_FIELDS) ?? ''}`;
    this.lines += 1;
    this.chars += body.length;
    this.database.prepare(`INSERT INTO ${tableOf(this.block)} (rowid, body) VALUES (?, ?)`).run(id, body);
  }

  write(): void {
    const { lines, chars, block } = this;
    this.database.run(ADD, lines, chars, lines, block.id);
    this.lines = 0;
    this.chars = 0;
  }
}

/** Writes the words of new lines within one change: into the open block, and when it is full into the next one. */
export class FtsWriter {
  private writer: BlockWriter | undefined;

  constructor(private readonly database: Database) {}

  add(id: number, line: SearchedLine): void {
    const { database } = this;
    this.writer ??= new BlockWriter(database, findOpenBlock(database) ?? createBlock(database, id));
    if (this.writer.isFull) {
      this.writer.write();
      database.run('UPDATE word_blocks SET last = ? WHERE last IS NULL', id - 1);
      this.writer = new BlockWriter(database, createBlock(database, id));
    }
    this.writer.add(id, line);
  }

  write(): void {
    this.writer?.write();
  }
}

/** Lines between two looks at the clock. */
const CHUNK = 32;

const SHORTEN = 'UPDATE word_blocks SET first = ?, live = live - ? WHERE id = ?';
const LINES = `SELECT id, message, context, attributes FROM logs WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`;

interface Line extends SearchedLine {
  readonly id: number;
}

/**
 * Gives back what the words of deleted lines take: what is left of a block is written into the one before it, from the front,
 * and the block is dropped when nothing is left. Each line is looked for in one of them at any time. To be used within one
 * transaction, so that it does not matter which process goes on with it.
 */
export function compact(database: Database, isTimeUp: () => boolean): void {
  const source = findSparseBlock(database);
  if (source === undefined) return;
  const before = findBlockBefore(database, source);
  const hasRoom = before !== undefined && !isFull({ lines: before.lines + source.live, chars: before.chars });
  const target = hasRoom ? before : createBlock(database, source.first, source.first - 1);
  const writer = new BlockWriter(database, target);
  let moved = 0;
  let last = source.first - 1;
  let isAtEnd: boolean;
  do {
    const lines = database.all<Line>(LINES, last, source.last, CHUNK);
    for (const line of lines) writer.add(line.id, line);
    moved += lines.length;
    isAtEnd = lines.length < CHUNK;
    last = isAtEnd ? source.last : (lines.at(-1)?.id ?? last);
  } while (!isAtEnd && !isTimeUp());
  writer.write();
  database.run('UPDATE word_blocks SET last = ? WHERE id = ?', last, target.id);
  if (isAtEnd) dropBlock(database, source);
  else database.run(SHORTEN, last + 1, moved, source.id);
}
