import { ExceptionsHandler } from '@nestjs/core/exceptions/exceptions-handler.js';
import { ExternalExceptionsHandler } from '@nestjs/core/exceptions/external-exceptions-handler.js';
import { trace } from '@opentelemetry/api';

import { warnOnce } from '../../errors/warnings.js';
import { patch } from '../../invocation/patch.js';
import { type AnyMethod } from '../../invocation/wrap-method.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { recordException } from '../../tracing/error-policy.js';
import { addTraceIdToAnswer } from '../http-server/error-bodies.js';
import { noteRequestFailure } from '../http-server/request-failures.js';
import { refusalOn } from './pipeline/pipeline-record.js';

/**
 * Records every exception that reaches NestJS's exception layer on the span of its request, before
 * a filter turns it into a response; over HTTP, and in GraphQL and other external contexts. Returns
 * the undo.
 */
export function recordExceptions(): Undo {
  const noting = (original: AnyMethod): AnyMethod =>
    function (...args) {
      note(args[0]);
      return original.apply(this, args);
    };
  const notingAnswered = (original: AnyMethod): AnyMethod =>
    function (...args) {
      note(args[0]);
      addTraceIdToAnswer(args[1]);
      return original.apply(this, args);
    };
  return undoAll([
    patch(ExceptionsHandler.prototype, 'next', notingAnswered),
    patch(ExternalExceptionsHandler.prototype, 'next', noting),
  ]);
}

function note(exception: unknown): void {
  try {
    const span = trace.getActiveSpan();
    const refusal = span === undefined ? undefined : refusalOn(span);
    // NestJS makes this exception itself: only the guard that refused shows where it comes from.
    if (span !== undefined && refusal !== undefined) recordException(span, exception, refusal);
    noteRequestFailure(exception);
  } catch (error) {
    warnOnce('nest:exceptions', `Telemetry could not record an exception: ${String(error)}`);
  }
}
