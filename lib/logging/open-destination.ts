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
import { StandardOutput } from './standard-output.js';

interface Flushable extends DestinationStream {
  flushSync?: () => void;
  end?: () => void;
}

/**
 * Where `config` wants lines: its own destination, a pino transport, or standard output. The text form is written
 * synchronously, JSON without blocking the event loop.
 */
export function openDestination(config: LoggingConfig): Destination {
  if (config.destination !== undefined) return wrap(config.destination, false);
  const { transport } = config.pino;
  if (transport !== undefined) return wrap(openTransport(transport), true);
  return openStdout(config.format === 'json' ? 'collected' : 'each-line');
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

function openStdout(mode: 'each-line' | 'collected'): Destination {
  // Somebody watches process.stdout.write (a test, a shell wrapper): writing to the descriptor would pass by them.
  if (Object.hasOwn(process.stdout, 'write')) {
    return wrap({ write: (line) => process.stdout.write(line) }, false);
  }
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
