import { trace } from '@opentelemetry/api';
import { isObservable, tap } from 'rxjs';

import { recordException } from '../../tracing/error-policy.js';

/** Which saga asked for a command. */
const sagas = new WeakMap<object, string>();

/** A saga as the event bus registers it: bound to its class, its name the method's. */
export type Saga = (events$: unknown) => unknown;

/** The saga that asked for this command; undefined for one that somebody executed. */
export function sagaOf(command: unknown): string | undefined {
  return typeof command === 'object' && command !== null ? sagas.get(command) : undefined;
}

/** A saga whose commands know where they came from, and whose failure is told on the span of the event that caused it. */
export function traceSaga(saga: Saga): Saga {
  const traced: Saga = (events$) => {
    const commands$ = saga(events$);
    if (!isObservable(commands$)) return commands$;
    return commands$.pipe(
      tap({
        next: (command) => {
          if (typeof command === 'object' && command !== null) sagas.set(command, saga.name);
        },
        error: (error: unknown) => {
          const span = trace.getActiveSpan();
          if (span?.isRecording() === true) recordException(span, error);
        },
      }),
    );
  };
  return Object.defineProperty(traced, 'name', { value: saga.name });
}
