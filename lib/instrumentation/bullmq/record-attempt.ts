import { type Attributes, type Context, context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';

import {
  ATTR_BULLMQ_JOB_ATTEMPT,
  ATTR_BULLMQ_JOB_NAME,
  ATTR_BULLMQ_JOB_SCHEDULER_ID,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_MESSAGE_ID,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_NESTJS_EVENT_NAME,
  ATTR_NESTJS_TYPE,
} from '../../config/semantic-conventions.constants.js';
import {
  countStalledJob,
  type QueueSystem,
  recordJobAttempt,
  recordJobWait,
} from '../../metrics/queue-metrics.js';
import { tracerFor } from '../../runtime/tracers.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { type Incoming, linksTo, receive } from '../../tracing/trace-context.js';
import { type LibraryClass } from '../container/patch-class.js';
import { type MethodRule } from '../container/wrap-methods.js';
import { measureCall } from '../measure-call.js';
import { type Call, recordWhen } from '../patch-calls.js';
import {
  type BullJob,
  BULLMQ_SCOPE,
  type BullQueue,
  type JobOptions,
  readJobContext,
  recordsBullmq,
  recordsClass,
} from './record-sending.js';

/** The context of the last attempt at a job in this process. */
const attempts = new WeakMap<object, Context>();

/**
 * The context of the last attempt at a job in this process; undefined before the first, and for
 * anything but a job.
 */
function attemptContextOf(job: unknown): Context | undefined {
  return typeof job === 'object' && job !== null ? attempts.get(job) : undefined;
}

/**
 * Runs one attempt at a job in a CONSUMER span, `process mail`, and measures it. The span starts
 * its own trace, linked with the span that added the job: a job may wait for days, be tried
 * again and again, and come from a scheduler that was set up months ago, so as a child it would
 * make a trace without an end. The baggage of its producer is there.
 */
export function recordAttempt<T>(
  worker: BullQueue,
  job: BullJob,
  attempt: () => T,
  system: QueueSystem = 'bullmq',
): T {
  const { context: added, links } = receiveJob(job.opts ?? {});
  // A worker with a telemetry of BullMQ's own has made its span by now.
  if (worker.opts?.telemetry !== undefined)
    return measureAttempt({ system, queue: worker.name }, job, attempt);
  const options = {
    kind: SpanKind.CONSUMER,
    root: true,
    attributes: describeAttempt(system, worker.name, job),
    links,
    isError: (error: unknown) => !isPostponement(error),
  };
  return context.with(trace.deleteSpan(added), () =>
    runInSpan(tracerFor(BULLMQ_SCOPE), `process ${worker.name}`, options, () => {
      attempts.set(job, context.active());
      return measureAttempt({ system, queue: worker.name }, job, attempt);
    }),
  );
}

/**
 * What a processor throws to put its job off, by name: subclasses and copies of BullMQ included.
 */
const POSTPONEMENTS = new Set(['DelayedError', 'WaitingError', 'WaitingChildrenError', 'RateLimitError']);

function isPostponement(error: unknown): boolean {
  return (
    error instanceof Error && (POSTPONEMENTS.has(error.name) || POSTPONEMENTS.has(error.constructor.name))
  );
}

function describeAttempt(system: QueueSystem, queue: string, job: BullJob): Attributes {
  const { id, name, repeatJobKey } = job;
  return {
    [ATTR_MESSAGING_SYSTEM]: system,
    [ATTR_MESSAGING_DESTINATION_NAME]: queue,
    [ATTR_MESSAGING_OPERATION_NAME]: 'process',
    [ATTR_MESSAGING_OPERATION_TYPE]: 'process',
    [ATTR_BULLMQ_JOB_NAME]: name,
    [ATTR_BULLMQ_JOB_ATTEMPT]: numberOfAttempt(job),
    ...(id !== undefined && { [ATTR_MESSAGING_MESSAGE_ID]: id }),
    ...(repeatJobKey !== undefined && { [ATTR_BULLMQ_JOB_SCHEDULER_ID]: repeatJobKey }),
  };
}

/**
 * 1 for the first; a job that stalled or put itself off has been started once more than it was
 * made.
 */
function numberOfAttempt({ attemptsStarted = 0, attemptsMade = 0 }: BullJob): number {
  return attemptsStarted > 0 ? attemptsStarted : attemptsMade + 1;
}

/** A job is linked with its producer, and is never a child: `trust` only adds the baggage. */
function receiveJob(options: JobOptions): Incoming {
  const headers = options.telemetry?.metadata;
  if (headers === undefined) return { context: ROOT_CONTEXT, links: [] };
  const { context: added, links } = receive('bullmq', { headers }, ROOT_CONTEXT, () =>
    readJobContext(options),
  );
  return { context: added, links: links.length > 0 ? links : linksTo(added) };
}

interface MeasuredQueue {
  readonly system: QueueSystem;
  readonly queue: string;
}

function measureAttempt<T>(measured: MeasuredQueue, job: BullJob, attempt: () => T): T {
  measureWait(measured, job, context.active());
  return measureCall(attempt, ({ errorType, ...rest }, error) => {
    const failed = errorType === undefined ? 'success' : 'error';
    const outcome = failed === 'error' && isPostponement(error) ? 'postponed' : failed;
    recordJobAttempt({
      ...measured,
      ...rest,
      jobName: job.name,
      outcome,
      errorType: outcome === 'error' ? errorType : undefined,
    });
  });
}

/** Of the first attempt only: BullMQ does not say when a job that failed is due again. */
function measureWait(measured: MeasuredQueue, job: BullJob, active: Context): void {
  const { name, opts, timestamp, processedOn } = job;
  if (numberOfAttempt(job) !== 1 || timestamp === undefined || processedOn === undefined) return;
  // The two clocks may be those of different machines.
  const seconds = Math.max(0, processedOn - timestamp - (opts?.delay ?? 0)) / 1000;
  recordJobWait({ ...measured, context: active }, name, seconds);
}

/**
 * Each attempt at a job gets a trace, in which the worker's listeners for that job run too. The
 * worker's own loop runs in no trace, whichever request created the worker, so its Redis commands
 * belong to no trace.
 */
export const WORKER: LibraryClass = {
  name: 'bullmq-worker',
  knownBy: ['callProcessJob', 'run', 'getNextJob'],
  calls: {
    callProcessJob: recordWhen(recordsBullmq, (worker: BullQueue, process, args: [BullJob, ...unknown[]]) =>
      recordAttempt(worker, args[0], () => process.apply(worker, args)),
    ),
    // A job that stalled too often fails when a worker takes it, without being tried.
    handleFailed: recordWhen(
      recordsClass,
      (worker: BullQueue, fail, args: [unknown, BullJob, ...unknown[]]) => {
        const [error, job] = args;
        if (attemptContextOf(job) === undefined) {
          const failing = (): Promise<never> =>
            Promise.reject(error instanceof Error ? error : new Error(String(error)));
          // It is BullMQ's to handle, below.
          recordAttempt(worker, job, failing).catch(() => undefined);
        }
        return fail.apply(worker, args);
      },
    ),
    emit: recordWhen(recordsBullmq, recordListeners),
    run: detach,
  },
};

export function recordListeners(
  worker: BullQueue,
  emit: Call<BullQueue, [string, ...unknown[]]>,
  args: [string, ...unknown[]],
): unknown {
  const [event, job] = args;
  if (event === 'stalled') countStalledJob(worker.name, 'handlers' in worker ? 'bull' : undefined);
  const attempt = attemptContextOf(job);
  if (attempt === undefined) return emit.apply(worker, args);
  return context.with(asFinished(attempt), () => emit.apply(worker, args));
}

/**
 * The context of an attempt for what belongs to it and runs after its end. By identity alone, as a
 * remote parent: below a span that has ended, its own trace would begin.
 */
function asFinished(attempt: Context): Context {
  const identity = trace.getSpanContext(attempt);
  return identity === undefined ? attempt : trace.setSpan(attempt, trace.wrapSpanContext(identity));
}

export function detach(worker: unknown, run: Call<unknown>, args: unknown[]): unknown {
  return context.with(ROOT_CONTEXT, () => run.apply(worker, args));
}

/** Metadata of `@OnWorkerEvent()` and `@OnQueueEvent()` on methods. */
const LISTENER_METADATA = [
  'bullmq:worker_events_metadata',
  'bullmq:queue_events_metadata',
  'bull:module_on_queue_event',
];
/** Metadata of `@Processor()` of `@nestjs/bullmq` on classes. */
const PROCESSOR_METADATA = 'bullmq:processor_metadata';
/** Metadata of `@Process()` of `@nestjs/bull` on methods. */
const PROCESS_METADATA = 'bull:module_queue_process';

/**
 * Listeners of `@nestjs/bullmq` and `@nestjs/bull`: one for an event of a job's attempt runs in the
 * trace of that attempt.
 */
export const bullmqListenerRule: MethodRule = {
  switchedBy: 'bullmq',
  describe(method): Attributes | undefined {
    const key = LISTENER_METADATA.find((each) => Reflect.hasMetadata(each, method));
    if (key === undefined) return undefined;
    const { eventName } = Reflect.getMetadata(key, method) as { readonly eventName?: unknown };
    return { [ATTR_NESTJS_TYPE]: 'event', [ATTR_NESTJS_EVENT_NAME]: String(eventName) };
  },
};

/**
 * `process()` of a `WorkerHost`, or a method with `@Process()`: the span of the attempt says which
 * it is, instead of a second span that lasts as long.
 */
export const bullmqProcessorRule: MethodRule = {
  switchedBy: 'bullmq',
  describe: (method, key, owner) =>
    (key === 'process' && Reflect.hasMetadata(PROCESSOR_METADATA, owner)) ||
    Reflect.hasMetadata(PROCESS_METADATA, method)
      ? { [ATTR_NESTJS_TYPE]: 'job' }
      : undefined,
  spanOfCall: ([job]) => trace.getSpan(attemptContextOf(job) ?? ROOT_CONTEXT),
};
