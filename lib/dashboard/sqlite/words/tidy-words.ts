import { type Database } from '../database/database.js';
import { BlockWriter, type SearchedLine } from './word-writer.js';
import {
  createBlock,
  dropBlock,
  findBlockBefore,
  findSparseBlock,
  isFull,
  type WordBlock,
} from './word-blocks.js';

/** Lines between two looks at the clock. */
const CHUNK = 32;

interface Line extends SearchedLine {
  readonly id: number;
}

/**
 * Gives back what the words of deleted lines take: what is left of a block is written into the one before it, from the front,
 * and the block is dropped when nothing is left. Each line is looked for in one of them at any time. To be used within one
 * transaction, so that it does not matter which process goes on with it.
 */
export function tidyWords(database: Database, isTimeUp: () => boolean): void {
  const source = findSparseBlock(database);
  if (source !== undefined) moveLines(database, source, isTimeUp);
}

function moveLines(database: Database, source: WordBlock, isTimeUp: () => boolean): void {
  const before = findBlockBefore(database, source);
  const hasRoom = before !== undefined && !isFull({ lines: before.lines + source.live, chars: before.chars });
  const target = hasRoom ? before : createBlock(database, source.first, source.first - 1);
  const writer = new BlockWriter(database, target);
  let moved = 0;
  let last = source.first - 1;
  let isAtEnd: boolean;
  do {
    const lines = database.all<Line>(
      'SELECT id, message, context, attributes FROM logs WHERE id > ? AND id <= ? ORDER BY id LIMIT ?',
      last,
      source.last,
      CHUNK,
    );
    for (const line of lines) writer.add(line.id, line);
    moved += lines.length;
    isAtEnd = lines.length < CHUNK;
    last = isAtEnd ? source.last : (lines.at(-1)?.id ?? last);
  } while (!isAtEnd && !isTimeUp());
  writer.write();
  database.run('UPDATE word_blocks SET last = ? WHERE id = ?', last, target.id);
  if (isAtEnd) dropBlock(database, source);
  else
    database.run(
      'UPDATE word_blocks SET first = ?, live = live - ? WHERE id = ?',
      last + 1,
      moved,
      source.id,
    );
}
