import { writeSync } from 'node:fs';

import { isError } from '../errors/is-error.js';
import { warnOnce } from '../errors/warnings.js';
import { type Destination } from './logging-state.js';

/** Beyond this, lines for a reader that does not read are dropped instead of filling the memory. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 10;
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
  private waiting: string[] = [];
  private waitingCharacters = 0;
  /** What the pipe did not take. */
  private refused: Buffer = Buffer.alloc(0);
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
    if (this.waitingCharacters + this.refused.length > MAX_WAITING_BYTES) {
      warnOnce('logging:dropped', 'Standard output is not read; log lines are being dropped.', 60_000);
      return;
    }
    this.waiting.push(line);
    this.waitingCharacters += line.length;
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
    if (!this.scheduled || this.refused.length === 0) this.writeWaiting();
  };

  /** The process keeps its standard output. */
  readonly close = (): void => undefined;

  private readonly writeWaiting = (): void => {
    this.scheduled = !this.writeAsMuchAsPossible();
    // Not kept alive for this: what is left is tried once more at the exit.
    if (this.scheduled) setTimeout(this.writeWaiting, RETRY_MS).unref();
  };

  /** There is no later: waits for a slow reader, and gives up on one that does not read. */
  private readonly writeAtExit = (): void => {
    const deadline = performance.now() + EXIT_DEADLINE_MS;
    while (!this.writeAsMuchAsPossible() && performance.now() < deadline) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  };

  /** Returns whether everything was written, or never will be. */
  private writeAsMuchAsPossible(): boolean {
    try {
      return this.writeRefused() && this.writeLines();
    } catch (error) {
      if (isBusy(error)) return false;
      this.broken = true;
      this.refused = Buffer.alloc(0);
      warnOnce(
        'logging:stdout',
        `Standard output cannot be written (${String(error)}); log lines are lost from here.`,
      );
      return true;
    }
  }

  private writeRefused(): boolean {
    while (this.refused.length > 0)
      this.refused = this.refused.subarray(writeSync(this.descriptor, this.refused));
    return true;
  }

  /** A text is encoded and written in one step; only what the pipe did not take of it becomes bytes of ours. */
  private writeLines(): boolean {
    if (this.waiting.length === 0) return true;
    const text = this.waiting.join('');
    this.waiting = [];
    this.waitingCharacters = 0;
    let written = 0;
    try {
      written = writeSync(this.descriptor, text);
    } finally {
      // Also when nothing was taken: the lines must not be lost with the error.
      if (written < text.length || Buffer.byteLength(text) > written)
        this.refused = Buffer.from(text).subarray(written);
    }
    return this.writeRefused();
  }
}

/** A pipe that is full, not one that is gone. */
function isBusy(error: unknown): boolean {
  return isError(error) && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY');
}
