import { trace } from '@opentelemetry/api';

import { recordException } from '../../../tracing/error-policy.js';
import { recordsMicroservices } from '../active-switch.js';
import { overrideMethod, type Undo } from '../override-method.js';
import { noteThrown } from '../rpc-failure.js';

/**
 * Notes what guards, pipes, interceptors and handlers of messages throw before NestJS's filter makes a plain object of it,
 * which is all that the answer tells. Returns the undo.
 *
 * @param filter `BaseRpcExceptionFilter.prototype`
 */
export function recordRpcExceptions(filter: object): Undo {
  return overrideMethod(
    filter,
    'catch',
    (original) =>
      function (...args) {
        const span = recordsMicroservices() ? trace.getActiveSpan() : undefined;
        if (span?.isRecording() === true) {
          recordException(span, args[0]);
          noteThrown(span, args[0]);
        }
        return original.apply(this, args);
      },
  );
}
