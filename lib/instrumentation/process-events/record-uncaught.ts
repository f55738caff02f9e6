import {
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { describeThrown } from '../../engine/describe-error.js';
import { lineageOf } from '../../engine/lineage.js';
import { createLogRecordEmitter } from '../../logging/record-entry.js';
import { atProcessEnd } from '../../process/process-end.js';
import { recordFailure, whereSeen } from '../../tracing/error-policy.js';

/** pino's number of `fatal`. */
const FATAL = 60;

/**
 * Records what is about to end the process: as a log record of severity FATAL and on the span it
 * was thrown in, which ends with the process. Nothing is written to standard output or standard
 * error: Node prints the error as it always does, and no listener is added that would keep the
 * process alive. Returns the undo.
 */
export function recordUncaught(): () => void {
  const emit = createLogRecordEmitter();
  const failed = new Set<Span>();
  const record = (error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void => {
    try {
      const span = trace.getActiveSpan();
      if (span?.isRecording() === true) {
        recordFailure(span, error, () => true);
        failed.add(span);
      }
      const thrown = describeThrown(error);
      const place: SpanContext | undefined = span?.spanContext() ?? whereSeen(error);
      const where = place === undefined ? context.active() : trace.setSpanContext(ROOT_CONTEXT, place);
      emit({
        level: FATAL,
        time: Date.now(),
        message: `${origin === 'unhandledRejection' ? 'Unhandled rejection' : 'Uncaught exception'}: ${thrown.message}`,
        context: 'process',
        error: thrown,
        fields: {},
        isPlain: true,
        otelContext: where,
      });
    } catch {
      // An error here would replace the one that Node is about to print.
    }
  };
  process.on('uncaughtExceptionMonitor', record);
  const forget = atProcessEnd('record', () => {
    for (const span of failed) endWithParents(span);
    failed.clear();
  });
  return () => {
    process.off('uncaughtExceptionMonitor', record);
    forget();
  };
}

/**
 * The spans around the failed one never end otherwise: without the server span its trace would have
 * no root.
 */
function endWithParents(failed: Span): void {
  const { status } = failed as Partial<ReadableSpan>; // spans of both engines have it
  for (
    let span: Span | undefined = failed;
    span?.isRecording() === true;
    span = lineageOf(span)?.localParent?.span
  ) {
    span.setStatus({
      code: SpanStatusCode.ERROR,
      ...(status?.message !== undefined && { message: status.message }),
    });
    span.end();
  }
}
