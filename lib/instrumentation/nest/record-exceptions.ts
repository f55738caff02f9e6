import { ExceptionsHandler } from '@nestjs/core/exceptions/exceptions-handler.js';

import { noteRequestFailure } from '../http-server/request-failures.js';

/**
 * Notes every exception that reaches NestJS's exception layer on the span of its request, those of guards, pipes and
 * middleware too, before any filter turns it into a response. Returns the undo.
 */
export function recordExceptions(): () => void {
  const { prototype } = ExceptionsHandler;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called below with the this of each call
  const original = prototype.next;
  const recording: typeof original = function (this: ExceptionsHandler, exception, host) {
    noteRequestFailure(exception);
    original.call(this, exception, host);
  };
  prototype.next = recording;
  return () => {
    if (prototype.next === recording) prototype.next = original;
  };
}
