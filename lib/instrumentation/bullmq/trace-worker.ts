import { type Context, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { countStalledJob } from '../../metrics/queue-metrics.js';
import { type ReplaceMethod } from '../container/patch-class.js';
import { type BullJob, type BullQueue } from './bullmq.interface.js';
import { attemptContextOf, recordAttempt } from './record-attempt.js';
import { recordsBullmq } from './record-sending.js';

/** What a `Worker` is told by. */
export const WORKER_METHODS = ['callProcessJob', 'run', 'getNextJob'] as const;

type CallProcessJob = (this: BullQueue, job: BullJob, ...rest: unknown[]) => unknown;
type HandleFailed = (this: BullQueue, error: unknown, job: BullJob, ...rest: unknown[]) => unknown;
type Emit = (this: BullQueue, event: string, ...args: unknown[]) => unknown;
type Run = (this: BullQueue, ...args: unknown[]) => unknown;

/**
 * Each attempt at a job gets a trace, in which the worker's listeners for that job run too. The worker's own loop runs in no
 * trace, whichever request created the worker, so what it asks of Redis is nobody's.
 */
export const WORKER_PATCH: Readonly<Record<string, ReplaceMethod>> = {
  callProcessJob: traceAttempts,
  handleFailed: traceNeverStarted,
  emit: traceListeners,
  run: detach,
};

function traceAttempts(original: CallProcessJob): CallProcessJob {
  return function (job, ...rest) {
    if (!recordsBullmq()) return original.call(this, job, ...rest);
    return recordAttempt(this, job, () => original.call(this, job, ...rest));
  };
}

/** A job that stalled too often fails when a worker takes it, without being tried. */
function traceNeverStarted(original: HandleFailed): HandleFailed {
  return function (error, job, ...rest) {
    if (recordsBullmq() && this.opts?.telemetry === undefined && attemptContextOf(job) === undefined) {
      const failing = (): Promise<never> =>
        Promise.reject(error instanceof Error ? error : new Error(String(error)));
      // It is BullMQ's to handle, below.
      recordAttempt(this, job, failing).catch(() => undefined);
    }
    return original.call(this, error, job, ...rest);
  };
}

export function traceListeners(original: Emit): Emit {
  return function (event, ...args) {
    if (!recordsBullmq()) return original.call(this, event, ...args);
    if (event === 'stalled') countStalledJob(this.name, 'handlers' in this ? 'bull' : undefined);
    const attempt = attemptContextOf(args[0]);
    if (attempt === undefined) return original.call(this, event, ...args);
    return context.with(asFinished(attempt), () => original.call(this, event, ...args));
  };
}

/**
 * The context of an attempt for what belongs to it and runs after its end. By identity alone, as a remote parent: below
 * a span that has ended, a trace of its own would begin.
 */
function asFinished(attempt: Context): Context {
  const identity = trace.getSpanContext(attempt);
  return identity === undefined ? attempt : trace.setSpan(attempt, trace.wrapSpanContext(identity));
}

export function detach(original: Run): Run {
  return function (...args) {
    return context.with(ROOT_CONTEXT, () => original.apply(this, args));
  };
}
