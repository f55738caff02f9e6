import { type Database } from '../database/database.js';
import { createBlock, findOpenBlock, isFull, type WordBlock, wordsOf } from './word-blocks.js';

/** Of fields and stacks the beginning is enough to find a line by. */
const MAX_SEARCHED_FIELDS = 1_000;

/** What a line is found by. */
export interface SearchedLine {
  readonly message: string;
  readonly context: string | null | undefined;
  readonly attributes: string | null | undefined;
}

/** Writes words into one block; `write()` says there how much came. */
export class BlockWriter {
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
    this.database.prepare(`INSERT INTO ${wordsOf(this.block)} (rowid, body) VALUES (?, ?)`).run(id, body);
  }

  write(): void {
    this.database.run(
      'UPDATE word_blocks SET lines = lines + ?, chars = chars + ?, live = live + ? WHERE id = ?',
      this.lines,
      this.chars,
      this.lines,
      this.block.id,
    );
    this.lines = 0;
    this.chars = 0;
  }
}

/** Writes the words of new lines within one change: into the open block, and when it is full into the next one. */
export class WordWriter {
  private writer: BlockWriter | undefined;

  constructor(private readonly database: Database) {}

  add(id: number, line: SearchedLine): void {
    const { database } = this;
    if (this.writer === undefined) {
      const block = findOpenBlock(database) ?? createBlock(database, id);
      this.writer = new BlockWriter(database, block);
    }
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
