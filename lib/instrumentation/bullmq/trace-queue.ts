import { context } from '@opentelemetry/api';

import {
  ATTR_BULLMQ_JOB_NAME,
  ATTR_BULLMQ_JOB_SCHEDULER_ID,
} from '../../config/semantic-conventions.constants.js';
import { type ReplaceMethod } from '../container/patch-class.js';
import {
  type BullQueue,
  carryContext,
  type JobOptions,
  recordsBullmq,
  recordSending,
  sendingContext,
} from './record-sending.js';

/**
 * The methods by which a `Queue` is recognised; an application may have a class with `add` and
 * `addBulk` of its own.
 */
export const QUEUE_METHODS = ['add', 'addBulk', 'drain', 'obliterate', 'retryJobs'] as const;

type Add = (this: BullQueue, name: string, data: unknown, options?: JobOptions) => unknown;
interface BulkJob {
  readonly name: string;
  readonly opts?: JobOptions;
}
type AddBulk = (this: BullQueue, jobs: readonly BulkJob[]) => unknown;
interface JobTemplate {
  readonly name?: string;
  readonly opts?: JobOptions;
}
type Emit = (this: BullQueue, ...args: unknown[]) => unknown;
type Upsert = (this: BullQueue, id: string, repeat: unknown, template?: JobTemplate) => unknown;

/** Each call that adds jobs to a queue gets a PRODUCER span whose context travels with the jobs. */
export const QUEUE_PATCH: Readonly<Record<string, ReplaceMethod>> = {
  add: traceAdd,
  addBulk: traceAddBulk,
  upsertJobScheduler: traceUpsert,
  emit: traceListeners,
};

/** A queue with a telemetry of BullMQ's own makes its spans by itself. */
function isOurs({ opts }: BullQueue): boolean {
  return recordsBullmq() && opts?.telemetry === undefined;
}

function traceAdd(original: Add): Add {
  return function (name, data, options) {
    if (!isOurs(this)) return original.call(this, name, data, options);
    const attributes = { [ATTR_BULLMQ_JOB_NAME]: name };
    return recordSending({ queue: this.name, operation: 'add', count: 1, attributes }, () => {
      const carrying = carryContext(options);
      return () => original.call(this, name, data, carrying);
    });
  };
}

function traceAddBulk(original: AddBulk): AddBulk {
  return function (jobs) {
    if (!isOurs(this) || !Array.isArray(jobs)) return original.call(this, jobs);
    return recordSending({ queue: this.name, operation: 'addBulk', count: jobs.length }, () => {
      const carrying = jobs.map((job: BulkJob) => ({ ...job, opts: carryContext(job.opts) }));
      return () => original.call(this, carrying as BulkJob[]);
    });
  };
}

/** Every job that the scheduler makes from now on is linked with the call that set it up. */
function traceUpsert(original: Upsert): Upsert {
  return function (id, repeat, template) {
    if (!isOurs(this)) return original.call(this, id, repeat, template);
    const attributes = { [ATTR_BULLMQ_JOB_NAME]: template?.name ?? id, [ATTR_BULLMQ_JOB_SCHEDULER_ID]: id };
    const sending = { queue: this.name, operation: 'upsertJobScheduler', count: 1, attributes };
    return recordSending(sending, () => {
      const carrying = { ...template, opts: carryContext(template?.opts) } as JobTemplate;
      return () => original.call(this, id, repeat, carrying);
    });
  };
}

/** What listens to a queue is the application's: its spans are below the call that adds the job. */
function traceListeners(original: Emit): Emit {
  return function (...args) {
    const sending = sendingContext();
    if (sending === undefined) return original.apply(this, args);
    return context.with(sending, () => original.apply(this, args));
  };
}
