import { tracingChannel } from 'node:diagnostics_channel';

import { context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../../config/semantic-conventions.constants.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordFailure } from '../../../tracing/error-policy.js';

/** What ioredis 6 publishes of a command; `args` are sanitised by ioredis: values are replaced by `?`. */
interface IoredisCommandMessage {
  readonly command: string;
  readonly args: readonly string[];
  readonly database: number;
  readonly serverAddress?: string;
  readonly serverPort?: number;
  readonly error?: unknown;
}

const SCOPE = 'nestjs-telemetry/ioredis';
const MAX_QUERY_TEXT = 1024;
/** How a connection introduces itself; it does so in whichever request happens to open it. */
const HANDSHAKE = new Set(['hello', 'auth', 'client', 'info', 'readonly', 'quit']);

/**
 * Gives each ioredis command made inside a span a CLIENT span, `redis.get`. Commands outside a span (connection
 * set-up, blocking pollers) are left alone, they would each be a trace of their own. Returns the undo.
 */
export function instrumentIoredis(): () => void {
  const spans = new WeakMap<object, Span>();
  const channel = tracingChannel<'ioredis:command', IoredisCommandMessage>('ioredis:command');
  const subscribers = {
    start(message: IoredisCommandMessage) {
      const span = startCommandSpan(message);
      if (span !== undefined) spans.set(message, span);
    },
    end: () => undefined,
    asyncStart: () => undefined,
    error(message: IoredisCommandMessage) {
      const span = spans.get(message);
      if (span !== undefined) recordFailure(span, message.error);
    },
    asyncEnd(message: IoredisCommandMessage) {
      spans.get(message)?.end();
      spans.delete(message);
    },
  };
  channel.subscribe(subscribers);
  return () => {
    channel.unsubscribe(subscribers);
  };
}

function startCommandSpan(message: IoredisCommandMessage): Span | undefined {
  const caller = context.active();
  if (trace.getSpan(caller) === undefined || isTracingSuppressed(caller)) return undefined;
  const { command, args, database, serverAddress, serverPort } = message;
  if (HANDSHAKE.has(command.toLowerCase())) return undefined;
  return tracerFor(SCOPE).startSpan(
    `redis.${command.toLowerCase()}`,
    {
      kind: SpanKind.CLIENT,
      attributes: {
        [ATTR_DB_SYSTEM_NAME]: 'redis',
        [ATTR_DB_OPERATION_NAME]: command.toUpperCase(),
        [ATTR_DB_QUERY_TEXT]: [command.toUpperCase(), ...args].join(' ').slice(0, MAX_QUERY_TEXT),
        [ATTR_DB_NAMESPACE]: String(database),
        [ATTR_SERVER_ADDRESS]: serverAddress,
        [ATTR_SERVER_PORT]: serverPort,
      },
    },
    caller,
  );
}
