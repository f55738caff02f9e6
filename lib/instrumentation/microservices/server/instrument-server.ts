import { recordsMicroservices } from '../active-switch.js';
import { overrideMethod, type Undo, undoAll } from '../override-method.js';
import { transportOfServer } from '../transports.js';
import { followMessages } from './follow-messages.js';
import { type ServerLike } from './server.interface.js';
import { wrapAddHandler } from './wrap-add-handler.js';

const INSTRUMENTED = Symbol.for('nestjs-telemetry.microservice-server');

/**
 * Records every message that one server of an application handles, from the transport to the end of the answer. What it
 * overrides, it overrides on the instance; the undo leaves the handlers it has wrapped, which then only call through.
 *
 * NestJS's own `setOnProcessingStartHook` is no way in: its slot is the application's, it is told of no failure, and on
 * NestJS 11 the end is never told for most transports.
 */
export function instrumentServer(server: ServerLike): Undo {
  const target: ServerLike & { [INSTRUMENTED]?: boolean } = server;
  if (target[INSTRUMENTED] === true) return () => undefined;
  target[INSTRUMENTED] = true;
  const transport = transportOfServer(server);
  let active = true;
  const records = (): boolean => active && recordsMicroservices();
  const undo = [
    overrideMethod(server, 'addHandler', (original) => wrapAddHandler(server, transport, original, records)),
    ...(transport === 'custom' || transport === 'grpc' ? [] : followMessages(server, transport, records)),
  ];
  return () => {
    active = false;
    undoAll(undo);
    target[INSTRUMENTED] = false;
  };
}
