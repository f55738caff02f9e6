import { ExceptionsHandler } from '@nestjs/core/exceptions/exceptions-handler.js';
import { ExternalExceptionsHandler } from '@nestjs/core/exceptions/external-exceptions-handler.js';
import { trace } from '@opentelemetry/api';

import { warnOnce } from '../../errors/warnings.js';
import { patch } from '../../invocation/patch.js';
import { undoAll } from '../../process/undo-all.js';
import { recordException } from '../../tracing/error-policy.js';
import { noteRequestFailure } from '../http-server/request-failures.js';
import { refusalOn } from './pipeline/pipeline-record.js';

/**
 * Notes every exception that reaches NestJS's exception layer on the span of its request, those of
 * guards, pipes and middleware too, before any filter turns it into a response; over HTTP, and in
 * GraphQL and other external contexts. Returns the undo.
 */
export function recordExceptions(): () => void {
  const undo = [
    patch(ExceptionsHandler.prototype, 'next', (original) => {
      return function (this: ExceptionsHandler, exception, host) {
        note(exception);
        original.call(this, exception, host);
      };
    }),
    patch(ExternalExceptionsHandler.prototype, 'next', (original) => {
      return function (this: ExternalExceptionsHandler, exception, host) {
        note(exception);
        return original.call(this, exception, host);
      };
    }),
  ];
  return undoAll(undo);
}

function note(exception: unknown): void {
  try {
    const span = trace.getActiveSpan();
    const refusal = span === undefined ? undefined : refusalOn(span);
    // NestJS makes this exception itself: only the guard that refused knows where it comes from.
    if (span !== undefined && refusal !== undefined) recordException(span, exception, refusal);
    noteRequestFailure(exception);
  } catch (error) {
    warnOnce('nest:exceptions', `Telemetry could not record an exception: ${String(error)}`);
  }
}
