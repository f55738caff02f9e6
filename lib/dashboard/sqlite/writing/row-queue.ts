/** Emptied slots in front of the list are given back at this many. */
const COMPACT_AT = 4_096;

/**
 * Rows that wait to be written, at most `limit`; further ones are refused and counted. What is given may be a row or what a row
 * is made of: making it then happens when it is written, not where it was recorded. Rows that were read stay until `settle()`, so
 * that they can be read again when writing them fails.
 */
export class RowQueue<Row> {
  refused = 0;
  private sources: unknown[] = [];
  private makers: ((source: never) => Row)[] = [];
  private head = 0;
  private position = 0;

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.sources.length - this.head;
  }

  /** How many were read since the last `settle()` or `rewind()`. */
  get read(): number {
    return this.position - this.head;
  }

  get hasNext(): boolean {
    return this.position < this.sources.length;
  }

  /** `make` is called when the row is read. Returns whether there was room. */
  add<Source>(source: Source, make: (source: Source) => Row): boolean {
    if (this.size >= this.limit) {
      this.refused += 1;
      return false;
    }
    this.sources.push(source);
    this.makers.push(make);
    return true;
  }

  /** The next row; undefined at the end. Throws what making it throws, and goes on with the one after it. */
  next(): Row | undefined {
    const make = this.makers[this.position];
    if (make === undefined) return undefined;
    const source = this.sources[this.position];
    this.position += 1;
    return make(source as never); // `add()` took both at this position, of one type
  }

  /** Begins again with the first that is not settled. */
  rewind(): void {
    this.position = this.head;
  }

  /** Forgets what was read. */
  settle(): void {
    this.sources.fill(undefined, this.head, this.position);
    this.head = this.position;
    if (this.head < this.sources.length && this.head < COMPACT_AT) return;
    this.sources = this.sources.slice(this.head);
    this.makers = this.makers.slice(this.head);
    this.head = 0;
    this.position = 0;
  }
}

/** For what is a row already. */
export function asRow<Row>(row: Row): Row {
  return row;
}
