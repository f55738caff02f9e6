import {
  type DestinationStream,
  pino,
  type TransportMultiOptions,
  type TransportPipelineOptions,
  type TransportSingleOptions,
} from 'pino';

import { type LoggingConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { type Destination, loggingState } from './logging-state.js';

/** Beyond this, lines for a standard output that nobody reads are dropped instead of filling the memory. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

interface Flushable extends DestinationStream {
  flushSync?: () => void;
  end?: () => void;
}

/**
 * Where `config` wants lines: its own destination, a pino transport, or standard output. The text form is written
 * synchronously, in order with `console.log` and complete at a crash; JSON is written without blocking the event loop
 * and flushed at exit.
 */
export function openDestination(config: LoggingConfig): Destination {
  if (config.destination !== undefined) return wrap(config.destination, false);
  const { transport } = config.pino;
  if (transport !== undefined) return wrap(openTransport(transport), true);
  return openStdout(config.format === 'text' ? 'sync' : 'async');
}

/** pino declares one overload per kind of transport, so that a value of the union fits none of them. */
function openTransport(
  options: TransportSingleOptions | TransportMultiOptions | TransportPipelineOptions,
): DestinationStream {
  const stream = pino.transport(options as TransportSingleOptions) as DestinationStream & NodeJS.EventEmitter;
  stream.on('error', (error: Error) => {
    warnOnce('logging:transport', `The pino transport failed: ${error.message}. Log lines are being lost.`);
  });
  return stream;
}

function openStdout(mode: 'sync' | 'async'): Destination {
  // Somebody watches process.stdout.write (a test, a shell wrapper): writing to the descriptor would pass by them.
  if (Object.hasOwn(process.stdout, 'write')) {
    return wrap({ write: (line) => process.stdout.write(line) }, false);
  }
  const { stdout } = loggingState();
  let destination = stdout.get(mode);
  if (destination === undefined) {
    const stream = pino.destination({ sync: mode === 'sync', minLength: 0, maxLength: MAX_BUFFERED_BYTES });
    stream.on('error', (error: Error) => {
      warnOnce(
        'logging:stdout',
        `Standard output cannot be written: ${error.message}. Log lines are being lost.`,
      );
    });
    stream.on('drop', () => {
      warnOnce(
        'logging:dropped',
        'Standard output is not read fast enough; log lines are being dropped.',
        60_000,
      );
    });
    destination = wrap(stream, false);
    stdout.set(mode, destination);
  }
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
