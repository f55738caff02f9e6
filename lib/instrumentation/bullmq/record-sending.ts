import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
} from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import {
  ATTR_MESSAGING_BATCH_MESSAGE_COUNT,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_MESSAGE_ID,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
} from '../../config/semantic-conventions.constants.js';
import { invokeAndFollow } from '../../invocation/follow-result.js';
import { type QueueSystem, recordJobsSent } from '../../metrics/queue-metrics.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { tracerFor } from '../../runtime/tracers.js';
import { errorTypeOf } from '../../tracing/error-policy.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { extractTraceContext, injectTraceContext } from '../../tracing/trace-context.js';

/** BullMQ as far as it is used here; it is never imported. */

/** What travels with a job beside its data. */
export interface JobOptions {
  readonly delay?: number;
  /** Where BullMQ keeps the trace context of a job, whatever telemetry wrote it. */
  readonly telemetry?: { readonly metadata?: string; readonly omitContext?: boolean };
}

export interface BullJob {
  readonly id?: string;
  readonly name: string;
  readonly queueName?: string;
  readonly opts?: JobOptions;
  /** When it was added, in milliseconds since 1970. */
  readonly timestamp?: number;
  /** When this attempt began, in milliseconds since 1970. */
  readonly processedOn?: number;
  readonly attemptsMade?: number;
  readonly attemptsStarted?: number;
  readonly repeatJobKey?: string;
}

/** A `Queue` or `Worker`. */
export interface BullQueue {
  readonly name: string;
  readonly opts?: { readonly telemetry?: unknown };
}

/** One job of a flow, above its children. */
export interface FlowJob {
  readonly name: string;
  readonly queueName: string;
  readonly opts?: JobOptions;
  readonly children?: readonly FlowJob[];
}

export const BULLMQ_SCOPE = 'nestjs-telemetry/bullmq';

/** Whether BullMQ is to be recorded now. */
export function recordsBullmq(): boolean {
  return currentRuntime()?.config.instrumentation.bullmq === true;
}

const SENDING = createContextKey('nestjs-telemetry.bullmq-sending');

/**
 * The context of the call that adds jobs just now, without what keeps its Redis commands from
 * getting spans.
 */
export function sendingContext(): Context | undefined {
  return context.active().getValue(SENDING) as Context | undefined;
}

/** A call that hands jobs to a queue. */
interface Sending {
  readonly queue: string;
  /** The method: `add`, `addBulk`, … */
  readonly operation: string;
  readonly count: number;
  /** `messaging.system`; default `bullmq`. */
  readonly system?: QueueSystem;
  readonly attributes?: Attributes;
}

/**
 * Runs a call that adds jobs in a PRODUCER span, `add mail`, and measures it.
 *
 * @param prepare runs in the span, to write its context into the jobs, and returns the call of
 *   BullMQ itself. The Redis commands of that are how a job is added, and get no spans of their
 *   own.
 */
export function recordSending<T>(sending: Sending, prepare: () => () => T): T {
  const { queue, operation, count } = sending;
  const attributes: Attributes = {
    [ATTR_MESSAGING_SYSTEM]: sending.system ?? 'bullmq',
    [ATTR_MESSAGING_DESTINATION_NAME]: queue,
    [ATTR_MESSAGING_OPERATION_NAME]: operation,
    [ATTR_MESSAGING_OPERATION_TYPE]: 'send',
    ...(count !== 1 && { [ATTR_MESSAGING_BATCH_MESSAGE_COUNT]: count }),
    ...sending.attributes,
  };
  const options = { kind: SpanKind.PRODUCER, attributes };
  return runInSpan(tracerFor(BULLMQ_SCOPE), `${operation} ${queue}`, options, (span) =>
    measureSending(sending, span, prepare),
  );
}

function measureSending<T>(
  { queue, operation, count, system }: Sending,
  span: Span,
  prepare: () => () => T,
): T {
  const active = context.active();
  const startedAt = performance.now();
  const finish = (errorType?: string): void => {
    const durationSeconds = (performance.now() - startedAt) / 1000;
    recordJobsSent({ system, queue, operation, count, errorType, durationSeconds, context: active });
  };
  const inside = suppressTracing(active).setValue(SENDING, active);
  return invokeAndFollow(() => context.with(inside, prepare()), {
    onSuccess: (result) => {
      const id = (result as { readonly id?: unknown } | undefined)?.id;
      if (typeof id === 'string') span.setAttribute(ATTR_MESSAGING_MESSAGE_ID, id);
      finish();
    },
    onError: (error) => {
      finish(errorTypeOf(error));
    },
  });
}

/**
 * Gives options that carry the active trace context to the processor of the job; the same options
 * where there is none to carry, where they carry one already, and where they forbid it.
 *
 * It is kept where BullMQ's own telemetry keeps it, as JSON of the propagation headers, which is
 * how `bullmq-otel` writes it: each understands the other's jobs, and `job.data` stays the
 * application's.
 */
export function carryContext<O extends JobOptions>(options: O | undefined): O | undefined {
  const { telemetry } = options ?? {};
  if (telemetry?.metadata !== undefined || telemetry?.omitContext === true) return options;
  const carrier = injectTraceContext<Record<string, unknown>>({}, context.active());
  if (Object.keys(carrier).length === 0) return options;
  return Object.assign({}, options, { telemetry: { ...telemetry, metadata: JSON.stringify(carrier) } });
}

/**
 * The context a job was added in, as far as it travelled with it; the empty one for a job without.
 */
export function readJobContext({ telemetry }: JobOptions): Context {
  if (telemetry?.metadata === undefined) return ROOT_CONTEXT;
  try {
    return extractTraceContext(JSON.parse(telemetry.metadata) as Record<string, unknown>);
  } catch {
    // BullMQ leaves the form of it to each telemetry: what is not JSON was written by one that we
    // cannot read.
    return ROOT_CONTEXT;
  }
}
