import { writeSync } from 'node:fs';

import { type DestinationStream, type LoggerOptions, pino, type TransportSingleOptions } from 'pino';

import type { LoggingConfig } from '../config/logging.js';
import { isError } from '../errors/telemetry.error.js';
import { warnOnce } from '../errors/warnings.js';
import { atProcessEnd } from '../process/process-end.js';
import { type Destination, LineBuffer, type LineBytes } from './line-buffer.js';
import { loggingState } from './logging-state.js';

interface Flushable extends DestinationStream {
  flushSync?: () => void;
  end?: () => void;
}

/**
 * Opens the configured destination, pino transport, or standard output, where text is written
 * synchronously, and JSON without blocking the event loop.
 */
export function openDestination(config: LoggingConfig): Destination {
  if (config.destination !== undefined) return wrap(config.destination, false);
  const { transport } = config.pino;
  if (transport !== undefined) return wrap(openTransport(transport), true);
  return openStdout(config.format === 'json' ? 'collected' : 'each-line');
}

function openTransport(options: NonNullable<LoggerOptions['transport']>): DestinationStream {
  // pino declares one overload per kind of transport, so that the union fits none.
  const stream = pino.transport(options as TransportSingleOptions) as DestinationStream & NodeJS.EventEmitter;
  stream.on('error', (error: Error) => {
    warnOnce('logging:transport', `The pino transport failed: ${error.message}. Log lines are being lost.`);
  });
  return stream;
}

function openStdout(mode: 'each-line' | 'collected'): Destination {
  // A test or a wrapper replaced process.stdout.write, which the descriptor would bypass.
  if (Object.hasOwn(process.stdout, 'write'))
    return wrap({ write: (line) => process.stdout.write(line) }, false);
  const { stdout } = loggingState();
  const destination = stdout.get(mode) ?? new StandardOutput(mode);
  stdout.set(mode, destination);
  return destination;
}

function wrap(stream: Flushable, ownsStream: boolean): Destination {
  return {
    write: (line) => {
      stream.write(line);
    },
    flush: () => {
      stream.flushSync?.();
    },
    close: () => {
      if (ownsStream) stream.end?.();
    },
  };
}

/** Beyond this, lines are dropped: the reader does not read. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 10;
/** What usually waits. */
const USUAL_BYTES = 256 * 1024;
/** How long a line waits for others. */
const COLLECT_MS = 5;
/** Longest time to wait, at the exit of the process, for a reader that does not read. */
const EXIT_DEADLINE_MS = 2_000;

/**
 * Standard output as a destination of lines. `each-line` writes before `write` returns, in order
 * with `console.log`; `collected` writes the lines of a few milliseconds together: under load, the
 * writing is most of the cost. A pipe that is full is tried again later, which blocks no code; the
 * rest is written when the process exits.
 *
 * pino's own stream retries a closed pipe for ever when it is flushed, so that `npm start | head`
 * cannot exit, and it sleeps 100 ms on the event loop when a pipe is full.
 */
export class StandardOutput implements Destination {
  private readonly buffer = new LineBuffer(USUAL_BYTES);
  /** Whether the reader did not take all of it when it was offered last. */
  private refused = false;
  private scheduled = false;
  private broken = false;
  /** Lines of other listeners of the exit are written without delay. */
  private ending = false;

  constructor(
    private readonly mode: 'each-line' | 'collected',
    private readonly descriptor = 1,
  ) {
    atProcessEnd('output', this.writeAtExit);
  }

  readonly write = (line: string): void => {
    const buffer = this.open();
    if (buffer === undefined) return;
    buffer.text(line);
    this.appended();
  };

  private readonly open = (): LineBuffer | undefined => {
    if (this.broken) return undefined;
    if (this.buffer.length <= MAX_WAITING_BYTES) return this.buffer;
    warnOnce('logging:dropped', 'Standard output is not read; log lines are being dropped.', 60_000);
    return undefined;
  };

  private readonly appended = (): void => {
    if (this.scheduled && !this.ending) return;
    if (this.mode === 'each-line' || this.ending) {
      this.writeWaiting();
    } else {
      this.scheduled = true;
      // The process need not wait: the rest is written at the exit.
      setTimeout(this.writeWaiting, COLLECT_MS).unref();
    }
  };

  readonly bytes: LineBytes = { open: this.open, appended: this.appended };

  /** Writes what the reader takes now; the rest follows by itself. */
  readonly flush = (): void => {
    if (!this.refused) this.writeWaiting();
  };

  /** The process keeps its standard output. */
  readonly close = (): void => undefined;

  private readonly writeWaiting = (): void => {
    this.refused = !this.writeAsMuchAsPossible();
    this.scheduled = this.refused;
    // The process need not wait: the rest is tried once more at the exit.
    if (this.refused) setTimeout(this.writeWaiting, RETRY_MS).unref();
  };

  /** Waits for a slow reader, and stops waiting for one that does not read. */
  private readonly writeAtExit = (): void => {
    this.ending = true;
    const deadline = performance.now() + EXIT_DEADLINE_MS;
    while (!this.writeAsMuchAsPossible() && performance.now() < deadline) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  };

  /** Returns whether everything was written, or never will be. */
  private writeAsMuchAsPossible(): boolean {
    try {
      while (this.buffer.length > 0) this.buffer.drop(writeSync(this.descriptor, this.buffer.view()));
    } catch (error) {
      if (isBusy(error)) return false;
      this.broken = true;
      this.buffer.truncate(0);
      warnOnce(
        'logging:stdout',
        `Standard output cannot be written (${String(error)}); log lines are lost from here.`,
      );
    }
    return true;
  }
}

/** A pipe that is full, not one that is gone. */
function isBusy(error: unknown): boolean {
  return isError(error) && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY');
}
