import { type Attributes, context } from '@opentelemetry/api';
import { Observable } from 'rxjs';

import { type OperationDescription } from '../descriptions.js';
import { Operation } from '../operation.js';

/**
 * Records each subscription to `source`, from the subscription to its end: a retry is a second
 * call. What arrives is delivered in the context of the subscriber, because answers arrive on a
 * connection that another caller opened.
 */
export function recordRequest(
  description: OperationDescription,
  source: Observable<unknown>,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const caller = context.active();
    const operation = new Operation(description);
    let answered = false;
    const subscription = operation.run(() =>
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
      // Leaving with an answer is a success: `firstValueFrom` and `take(1)` do.
      if (answered) operation.succeed();
      else operation.cancel();
      subscription.unsubscribe();
    };
  });
}

/**
 * Records an event that `dispatch` sends immediately, until the transport has taken it. The
 * Observable is NestJS's own: hot, and sent with or without a subscriber.
 */
export function recordEvent(
  description: OperationDescription,
  dispatch: () => Observable<unknown>,
  attributes?: Attributes,
): Observable<unknown> {
  const operation = new Operation(description, attributes);
  try {
    const sent = operation.run(dispatch);
    // Another subscriber changes nothing for others: the source is connected already.
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
