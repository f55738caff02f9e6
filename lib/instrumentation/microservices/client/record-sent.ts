import { type Attributes, context } from '@opentelemetry/api';
import { Observable } from 'rxjs';

import { Operation, type OperationDescription } from '../operation.js';

/**
 * Gives each subscription to `source` a record of its own, from the subscription to its end; so a
 * retry is recorded as the second call that it is. What arrives is delivered in the context of the
 * subscriber: answers come in on a connection that another caller opened.
 */
export function recordRequest(
  description: OperationDescription,
  source: Observable<unknown>,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const caller = context.active();
    const operation = new Operation(description);
    let answered = false;
    const subscription = context.with(operation.context, () =>
      source.subscribe({
        next: (value) => {
          answered = true;
          context.with(caller, () => {
            subscriber.next(value);
          });
        },
        error: (error: unknown) => {
          operation.fail(error);
          context.with(caller, () => {
            subscriber.error(error);
          });
        },
        complete: () => {
          operation.succeed();
          context.with(caller, () => {
            subscriber.complete();
          });
        },
      }),
    );
    return () => {
      // Who leaves with an answer has what was asked for: `firstValueFrom` and `take(1)` do.
      if (answered) operation.succeed();
      else operation.cancel();
      subscription.unsubscribe();
    };
  });
}

/**
 * Records an event that `dispatch` sends immediately, to the moment the transport has taken it. The
 * Observable is NestJS's own: hot, and sent with or without a subscriber.
 */
export function recordEvent(
  description: OperationDescription,
  dispatch: () => Observable<unknown>,
  attributes?: Attributes,
): Observable<unknown> {
  const operation = new Operation(description, attributes);
  try {
    const sent = context.with(operation.context, dispatch);
    // Listening on the side changes nothing for others, the source has been connected already.
    if ('connect' in sent) {
      sent.subscribe({
        error: (error: unknown) => {
          operation.fail(error);
        },
        complete: () => {
          operation.succeed();
        },
      });
    } else {
      operation.succeed();
    }
    return sent;
  } catch (error) {
    operation.fail(error);
    throw error;
  }
}
