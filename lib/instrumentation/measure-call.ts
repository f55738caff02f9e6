import { type Context, context } from '@opentelemetry/api';

import { invokeAndFollow } from '../invocation/follow-result.js';
import { errorTypeOf } from '../tracing/error-policy.js';

/** How a call ended. */
interface Measured {
  readonly durationSeconds: number;
  /** undefined where it succeeded. */
  readonly errorType: string | undefined;
  /** The context it ran in. */
  readonly context: Context;
}

/**
 * Makes a call and returns its result; `record` is called when the work is over.
 *
 * @param record its second argument is the error, or what the call resolved to
 */
export function measureCall<T>(call: () => T, record: (measured: Measured, outcome: unknown) => void): T {
  const active = context.active();
  const startedAt = performance.now();
  const finish = (outcome: unknown, errorType?: string): void => {
    record({ durationSeconds: (performance.now() - startedAt) / 1000, errorType, context: active }, outcome);
  };
  return invokeAndFollow(call, {
    onSuccess: finish,
    onError: (error) => {
      finish(error, errorTypeOf(error));
    },
  });
}
