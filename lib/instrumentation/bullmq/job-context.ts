import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api';

import { extractTraceContext, injectTraceContext } from '../../tracing/propagation.js';
import { type JobOptions } from './bullmq.interface.js';

/**
 * Gives options that carry the active trace context to whoever processes the job; the same options where there is none to
 * carry, where they carry one already, and where they forbid it.
 *
 * It is kept where BullMQ's own telemetry keeps it, as JSON of the propagation headers, which is how `bullmq-otel` writes it:
 * each understands the other's jobs, and `job.data` stays the application's.
 */
export function carryContext<O extends JobOptions>(options: O | undefined): O | undefined {
  const { telemetry } = options ?? {};
  if (telemetry?.metadata !== undefined || telemetry?.omitContext === true) return options;
  const carrier = injectTraceContext<Record<string, unknown>>({}, context.active());
  if (Object.keys(carrier).length === 0) return options;
  return Object.assign({}, options, { telemetry: { ...telemetry, metadata: JSON.stringify(carrier) } });
}

/** The context a job was added in, as far as it travelled with it; the empty one for a job without. */
export function readJobContext({ telemetry }: JobOptions): Context {
  if (telemetry?.metadata === undefined) return ROOT_CONTEXT;
  try {
    return extractTraceContext(JSON.parse(telemetry.metadata) as Record<string, unknown>);
  } catch {
    // BullMQ leaves the form of it to each telemetry: what is not JSON was written by one that we cannot read.
    return ROOT_CONTEXT;
  }
}
