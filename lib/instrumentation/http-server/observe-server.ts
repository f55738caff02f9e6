import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';

import { context } from '@opentelemetry/api';

import { suppressTracing } from '../../engine/suppressed-tracing.js';
import { patch } from '../../invocation/patch.js';
import { type Undo } from '../../process/undo-all.js';
import { revoke } from '../../runtime/linked-context.js';
import { type HttpServerRecorder } from './http-server-recorder.js';
import { type RequestRecord } from './request-record.js';

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

/** What is used of a server of `node:http`, `node:https` or `node:http2`. */
export interface ServerLike {
  emit: Emit;
}

const OBSERVED = Symbol.for('nestjs-telemetry.http-server');

/**
 * Records what does not reach the hooks of a server's framework: upgrades until they are answered,
 * and requests that Fastify's router refuses. Not by a listener: a server with one for upgrades
 * upgrades requests that it would answer. Returns the undo.
 */
export function observeServer(server: ServerLike, recorder: HttpServerRecorder): Undo {
  if (OBSERVED in server.emit) return () => undefined;
  return patch<Emit>(server, 'emit', (emit) => {
    const observing: Emit = function (event, ...args) {
      if (event === 'upgrade') {
        const proceed = (): boolean => emit.call(this, event, ...args);
        return passUpgrade(recorder, args[0] as IncomingMessage, args[1] as Duplex, proceed);
      }
      const listened = emit.call(this, event, ...args);
      if (event === 'request') recorder.handleUnseen(args[0] as IncomingMessage, args[1] as ServerResponse);
      return listened;
    };
    return Object.assign(observing, { [OBSERVED]: true });
  });
}

function passUpgrade(
  recorder: HttpServerRecorder,
  request: IncomingMessage,
  socket: Duplex,
  proceed: () => boolean,
): boolean {
  const record = recorder.openUpgrade(request);
  if (record === undefined) return proceed();
  if (record === 'ignored') {
    const suppressed = suppressTracing(context.active());
    socket.once('close', () => {
      revoke(suppressed);
    });
    return context.with(suppressed, proceed);
  }
  followUpgrade(socket, record);
  return context.with(record.context, proceed);
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3}) /;

/** The longest status line whose code is looked for. */
const STATUS_LINE_LENGTH = 16;

/**
 * Ends the record of an upgrade with its answer, `101` or a refusal, which the handler of the
 * upgrade writes to the socket. After that the socket is not followed.
 */
function followUpgrade(socket: Duplex, record: RequestRecord): void {
  const end = (statusCode?: number): void => {
    socket.off('close', onClose);
    undo();
    record.end(statusCode, statusCode === undefined);
  };
  const onClose = (): void => {
    end();
  };
  const undo = patch(
    socket,
    ['write', 'end'],
    (original) =>
      function (...args) {
        end(readStatus(args[0]));
        return original.apply(this, args);
      },
  );
  socket.once('close', onClose);
}

function readStatus(chunk: unknown): number | undefined {
  let text = '';
  if (typeof chunk === 'string') text = chunk;
  else if (chunk instanceof Uint8Array)
    text = Buffer.from(chunk.subarray(0, STATUS_LINE_LENGTH)).toString('latin1');
  const code = STATUS_LINE.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}
