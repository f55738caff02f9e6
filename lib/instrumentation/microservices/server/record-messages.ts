import { context, type Link } from '@opentelemetry/api';

import { isTracingSuppressed } from '../../../engine/suppressed-tracing.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { runInRequestScope, withRequestScope } from '../../../logging/request-scope.js';
import { followAnswer } from '../../nest/follow-answer.js';
import { type Operation } from '../operation.js';
import { receiveMessage } from './incoming-message.js';

/**
 * Records one message around everything NestJS does for it: guards, pipes, the handler and the
 * whole of its answer.
 *
 * @param begin makes the operation, in the context of the sender
 */
export function recordMessage(
  handler: AnyMethod,
  self: unknown,
  args: unknown[],
  begin: (links: Link[]) => Operation,
): unknown {
  if (isTracingSuppressed(context.active())) return handler.apply(self, args);
  const incoming = receiveMessage(args);
  return context.with(withRequestScope(incoming.context), () => {
    const operation = begin(incoming.links);
    return operation.run(() =>
      followAnswer(() => runInRequestScope(() => handler.apply(self, args)), operation),
    );
  });
}
