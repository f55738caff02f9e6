import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';

import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import { patch } from '../../invocation/patch.js';
import { revoke } from '../../runtime/linked-context.js';
import { type HttpServerRecorder } from './http-server-recorder.js';

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

/** What is used of a server of `node:http`, `node:https` or `node:http2`. */
export interface ServerLike {
  emit: Emit;
}

const OBSERVED = Symbol.for('nestjs-telemetry.http-server');

/**
 * Records what reaches a server without reaching the hooks of its framework: upgrades, each until
 * it is answered, and requests that Fastify's router refuses. A listener for upgrades would not do:
 * a server that has one upgrades requests which it answers otherwise. Returns the undo.
 */
export function observeServer(server: ServerLike, recorder: HttpServerRecorder): () => void {
  const { emit } = server;
  if (OBSERVED in emit) return () => undefined;
  const observing: Emit = function (event, ...args) {
    if (event === 'upgrade') {
      const proceed = (): boolean => emit.call(this, event, ...args);
      return passUpgrade(recorder, args[0] as IncomingMessage, args[1] as Duplex, proceed);
    }
    const listened = emit.call(this, event, ...args);
    if (event === 'request') recorder.handleUnseen(args[0] as IncomingMessage, args[1] as ServerResponse);
    return listened;
  };
  const own = Object.hasOwn(server, 'emit');
  server.emit = Object.assign(observing, { [OBSERVED]: true });
  return () => {
    if (server.emit !== observing) return;
    if (own) server.emit = emit;
    else delete (server as Partial<ServerLike>).emit;
  };
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

/** Gets how an upgrade was answered. */
interface UpgradeRecord {
  end(statusCode: number | undefined, aborted: boolean): void;
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3}) /;

/** The longest status line whose code is looked for. */
const STATUS_LINE_LENGTH = 16;

/**
 * Ends the record of an upgrade with the answer to it, `101` or a refusal: the handler of the
 * upgrade writes it to the socket by hand. The socket is left alone from then on, however long it
 * stays open.
 */
function followUpgrade(socket: Duplex, record: UpgradeRecord): void {
  const answer = (statusCode: number | undefined): void => {
    socket.off('close', giveUp);
    leave();
    record.end(statusCode, statusCode === undefined);
  };
  const giveUp = (): void => {
    answer(undefined);
  };
  const onChunk = (chunk: unknown): void => {
    answer(readStatus(chunk));
  };
  const leave = patch<Emit>(
    socket,
    ['write', 'end'],
    (original) =>
      function (...args) {
        onChunk(args[0]);
        return original.apply(this, args);
      },
  );
  socket.once('close', giveUp);
}

function readStatus(chunk: unknown): number | undefined {
  let text = '';
  if (typeof chunk === 'string') text = chunk;
  else if (chunk instanceof Uint8Array)
    text = Buffer.from(chunk.subarray(0, STATUS_LINE_LENGTH)).toString('latin1');
  const code = STATUS_LINE.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}
