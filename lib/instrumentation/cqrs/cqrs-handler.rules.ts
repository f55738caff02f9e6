import { ATTR_NESTJS_TYPE } from '../../config/semantic-conventions.constants.js';
import { type MethodRule } from '../container/wrap-methods.js';
import { sagaOf } from './sagas.js';

/**
 * Handlers of `@nestjs/cqrs`: one span per command, query or event handled, `CreateOrderHandler.execute`, with the class of
 * what is handled. The buses of commands and queries have none of their own, it would say the same a second time; a command
 * nobody handles fails in the span of whoever executed it.
 */
export const cqrsHandlerRules: readonly MethodRule[] = [
  handlerRule('command', '__commandHandler__', 'execute'),
  handlerRule('query', '__queryHandler__', 'execute'),
  handlerRule('event', '__eventsHandler__', 'handle'),
];

/** @param metadata what NestJS finds the handlers of that kind by, on their classes */
function handlerRule(kind: 'command' | 'query' | 'event', metadata: string, method: string): MethodRule {
  return {
    switchedBy: 'cqrs',
    describe: (_method, key, owner) =>
      key === method && Reflect.hasMetadata(metadata, owner) ? { [ATTR_NESTJS_TYPE]: kind } : undefined,
    describeCall([message]) {
      const saga = sagaOf(message);
      const name = nameOfMessage(message);
      return { [`nestjs.cqrs.${kind}`]: name, ...(saga !== undefined && { 'nestjs.cqrs.saga': saga }) };
    },
  };
}

/** The class of a command, query or event. */
export function nameOfMessage(message: unknown): string {
  if (typeof message !== 'object' || message === null) return typeof message;
  const { constructor } = message as { constructor?: { name?: unknown } };
  return typeof constructor?.name === 'string' && constructor.name !== '' ? constructor.name : 'Object';
}
