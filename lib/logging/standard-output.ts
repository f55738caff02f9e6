import { writeSync } from 'node:fs';

import { isError } from '../errors/is-error.js';
import { warnOnce } from '../errors/warnings.js';
import { type Destination } from './logging-state.js';

/** Beyond this, lines for a reader that does not read are dropped instead of filling the memory. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 10;
/** What usually waits; a buffer that had to grow is given back when it is empty. */
const INITIAL_BYTES = 256 * 1024;
/** How long a line waits for others. */
const COLLECT_MS = 5;
/** Longest time to wait, at the exit of the process, for a reader that does not read. */
const EXIT_DEADLINE_MS = 2_000;

/**
 * Standard output as a destination of lines. `each-line` writes before `write` returns, in order with `console.log`;
 * `collected` writes the lines of a few milliseconds at once, which under load is most of what writing costs. A pipe whose reader is slow is tried
 * again later, so that nobody waits for it; what is left is written when the process exits.
 *
 * Not pino's own stream: flushed, that one retries a closed pipe for ever, so that a process whose reader is gone
 * (`npm start | head`) cannot exit, and it sleeps 100 ms on the event loop when a pipe is full.
 */
export class StandardOutput implements Destination {
  /** Lines as bytes: a text that waits would be put together of its parts when they are no longer in the processor's cache. */
  private buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** What of the buffer waits. */
  private start = 0;
  private end = 0;
  /** Whether the reader did not take all of it when it was offered last. */
  private refused = false;
  private scheduled = false;
  private broken = false;

  constructor(
    private readonly mode: 'each-line' | 'collected',
    private readonly descriptor = 1,
  ) {
    process.once('exit', this.writeAtExit);
  }

  readonly write = (line: string): void => {
    if (this.broken) return;
    if (this.end - this.start > MAX_WAITING_BYTES) {
      warnOnce('logging:dropped', 'Standard output is not read; log lines are being dropped.', 60_000);
      return;
    }
    this.append(line);
    if (this.scheduled) return;
    if (this.mode === 'each-line') {
      this.writeWaiting();
    } else {
      this.scheduled = true;
      // Not kept alive for this: what is left is written at the exit.
      setTimeout(this.writeWaiting, COLLECT_MS).unref();
    }
  };

  /** Writes what the reader takes now; the rest follows by itself. */
  readonly flush = (): void => {
    if (!this.refused) this.writeWaiting();
  };

  /** The process keeps its standard output. */
  readonly close = (): void => undefined;

  private readonly writeWaiting = (): void => {
    this.refused = !this.writeAsMuchAsPossible();
    this.scheduled = this.refused;
    // Not kept alive for this: what is left is tried once more at the exit.
    if (this.refused) setTimeout(this.writeWaiting, RETRY_MS).unref();
  };

  /** There is no later: waits for a slow reader, and gives up on one that does not read. */
  private readonly writeAtExit = (): void => {
    const deadline = performance.now() + EXIT_DEADLINE_MS;
    while (!this.writeAsMuchAsPossible() && performance.now() < deadline) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  };

  private append(line: string): void {
    // Three bytes at most for each UTF-16 unit.
    const needed = line.length * 3;
    if (this.end + needed > this.buffer.length) this.makeRoom(needed);
    this.end += this.buffer.write(line, this.end);
  }

  private makeRoom(needed: number): void {
    const waiting = this.buffer.subarray(this.start, this.end);
    const size = waiting.length + needed;
    // In place only where that frees half of it: moving many bytes for each line would cost more than they do.
    if (size > this.buffer.length / 2) this.buffer = Buffer.allocUnsafeSlow(size * 2);
    this.buffer.set(waiting);
    this.start = 0;
    this.end = waiting.length;
  }

  /** Returns whether everything was written, or never will be. */
  private writeAsMuchAsPossible(): boolean {
    try {
      while (this.start < this.end)
        this.start += writeSync(this.descriptor, this.buffer, this.start, this.end - this.start);
    } catch (error) {
      if (isBusy(error)) return false;
      this.broken = true;
      warnOnce(
        'logging:stdout',
        `Standard output cannot be written (${String(error)}); log lines are lost from here.`,
      );
    }
    this.start = 0;
    this.end = 0;
    if (this.buffer.length > INITIAL_BYTES) this.buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    return true;
  }
}

/** A pipe that is full, not one that is gone. */
function isBusy(error: unknown): boolean {
  return isError(error) && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY');
}
