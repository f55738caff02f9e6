import { ATTR_BULLMQ_JOB_NAME } from '../../config/semantic-conventions.constants.js';
import { type ReplaceMethod } from '../container/patch-class.js';
import { detach, recordAttempt, traceListeners } from './record-attempt.js';
import {
  type BullJob,
  carryContext,
  type JobOptions,
  recordsBullmq,
  recordSending,
} from './record-sending.js';

/** By these methods the `Queue` of `bull` (4 and 3), which is a worker too, is known. */
export const BULL_QUEUE_METHODS = ['add', 'addBulk', 'processJob', 'setHandler'] as const;

type Handler = (this: unknown, job: BullJob, ...rest: unknown[]) => unknown;

interface BullQueue {
  readonly name: string;
  /** By name of the job; `*` for all others. */
  readonly handlers: Record<string, Handler | undefined>;
}

interface BulkJob {
  readonly name?: string;
  readonly opts?: JobOptions;
}

type Add = (this: BullQueue, ...args: unknown[]) => unknown;
type AddBulk = (this: BullQueue, jobs: readonly BulkJob[]) => unknown;
type ProcessJob = (this: BullQueue, job: BullJob | null | undefined, ...rest: unknown[]) => unknown;

/**
 * Each call that adds jobs gets a PRODUCER span, and each attempt at a job a trace of its own,
 * linked with it.
 */
export const BULL_QUEUE_PATCH: Readonly<Record<string, ReplaceMethod>> = {
  add: traceAdd,
  addBulk: traceAddBulk,
  processJob: traceAttempts,
  emit: traceListeners,
  run: detach,
};

/** `add(name, data, options)` or `add(data, options)`. */
function traceAdd(original: Add): Add {
  return function (...args) {
    if (!recordsBullmq()) return original.apply(this, args);
    const [name] = args;
    const position = typeof name === 'string' ? 2 : 1;
    const attributes = { [ATTR_BULLMQ_JOB_NAME]: typeof name === 'string' ? name : '__default__' };
    const sending = { system: 'bull', queue: this.name, operation: 'add', count: 1, attributes } as const;
    return recordSending(sending, () => {
      const carrying = [...args];
      carrying[position] = carryContext(args[position] as JobOptions | undefined);
      return () => original.apply(this, carrying);
    });
  };
}

function traceAddBulk(original: AddBulk): AddBulk {
  return function (jobs) {
    if (!recordsBullmq() || !Array.isArray(jobs)) return original.call(this, jobs);
    const given = jobs as readonly BulkJob[];
    const sending = { system: 'bull', queue: this.name, operation: 'addBulk', count: given.length } as const;
    return recordSending(sending, () => {
      const carrying = given.map((job) => {
        const opts = carryContext(job.opts);
        return opts === undefined ? job : { ...job, opts };
      });
      return () => original.call(this, carrying);
    });
  };
}

const WRAPPED = Symbol.for('nestjs-telemetry.bull-handler');

/**
 * What `processJob()` does beyond the handler, moving the job and taking the next one, belongs to
 * no attempt. So the handlers are wrapped when they are about to be called, also those that were
 * set before.
 */
function traceAttempts(original: ProcessJob): ProcessJob {
  return function (job, ...rest) {
    if (recordsBullmq() && typeof job?.name === 'string') {
      wrapHandler(this, this.handlers[job.name] === undefined ? '*' : job.name);
    }
    return original.call(this, job, ...rest);
  };
}

function wrapHandler(queue: BullQueue, name: string): void {
  const handler = queue.handlers[name];
  if (handler === undefined || WRAPPED in handler) return;
  const wrapped: Handler = function (job, ...rest) {
    if (!recordsBullmq()) return handler.call(this, job, ...rest);
    return recordAttempt(queue, job, () => handler.call(this, job, ...rest), 'bull');
  };
  queue.handlers[name] = Object.assign(wrapped, { [WRAPPED]: true });
}
