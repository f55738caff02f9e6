import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  SpanKind,
} from '@opentelemetry/api';

import {
  ATTR_MESSAGING_BATCH_MESSAGE_COUNT,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_MESSAGE_ID,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
} from '../../config/semantic-conventions.constants.js';
import { suppressTracing } from '../../engine/suppressed-tracing.js';
import { type QueueSystem, recordJobsSent } from '../../metrics/queue-metrics.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { tracerFor } from '../../runtime/tracers.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { extractTraceContext, injectTraceContext } from '../../tracing/trace-context.js';
import { measureCall } from '../measure-call.js';
import { type Call } from '../patch-calls.js';

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

/** One job of a bulk; of `bull` it may have no name. */
export interface BulkJob {
  readonly name?: string;
  readonly opts?: JobOptions;
}

/** A `Queue` or `Worker`. */
export interface BullQueue {
  readonly name: string;
  readonly opts?: { readonly telemetry?: unknown };
}

export const BULLMQ_SCOPE = 'nestjs-telemetry/bullmq';

/** Whether BullMQ is recorded now. */
export function recordsBullmq(): boolean {
  return currentRuntime()?.config.instrumentation.bullmq === true;
}

/** The same for a class of BullMQ; one with a telemetry of BullMQ's own makes its spans by itself. */
export function recordsClass({ opts }: { readonly opts?: { readonly telemetry?: unknown } }): boolean {
  return recordsBullmq() && opts?.telemetry === undefined;
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
 * Makes a call that adds jobs in a PRODUCER span, `add mail`, and measures it. The Redis commands of
 * BullMQ are how a job is added, and get no spans.
 *
 * @param carry returns the arguments of the call; runs in the span, to write its context into the jobs
 */
export function recordSending<S, A extends unknown[]>(
  { system = 'bullmq', queue, operation, count, attributes }: Sending,
  self: S,
  send: Call<S, A>,
  carry: () => [...A],
): unknown {
  const options = {
    kind: SpanKind.PRODUCER,
    attributes: {
      [ATTR_MESSAGING_SYSTEM]: system,
      [ATTR_MESSAGING_DESTINATION_NAME]: queue,
      [ATTR_MESSAGING_OPERATION_NAME]: operation,
      [ATTR_MESSAGING_OPERATION_TYPE]: 'send',
      ...(count !== 1 && { [ATTR_MESSAGING_BATCH_MESSAGE_COUNT]: count }),
      ...attributes,
    },
  };
  return runInSpan(tracerFor(BULLMQ_SCOPE), `${operation} ${queue}`, options, (span) => {
    const active = context.active();
    const inside = suppressTracing(active).setValue(SENDING, active);
    const call = (): unknown => {
      const args = carry();
      return context.with(inside, () => send.apply(self, args));
    };
    return measureCall(call, (measured, outcome) => {
      const id = measured.errorType === undefined && (outcome as { readonly id?: unknown } | undefined)?.id;
      if (typeof id === 'string') span.setAttribute(ATTR_MESSAGING_MESSAGE_ID, id);
      recordJobsSent({ system, queue, operation, count, ...measured });
    });
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
