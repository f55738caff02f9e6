import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';

import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import { revoke } from '../../runtime/linked-context.js';
import { type HttpServerRecorder } from './http-server-recorder.js';
import { followUpgrade } from './follow-upgrade.js';

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

/** What is used of a server of `node:http`, `node:https` or `node:http2`. */
export interface ServerLike {
  emit: Emit;
}

const OBSERVED = Symbol.for('nestjs-telemetry.http-server');

/**
 * Records what reaches a server without reaching the hooks of its framework: upgrades, each until it is answered, and
 * requests that Fastify's router refuses. A listener for upgrades would not do: a server that has one upgrades requests
 * which it answers otherwise. Returns the undo.
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
