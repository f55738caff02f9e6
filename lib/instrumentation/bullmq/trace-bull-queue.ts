import { ATTR_BULLMQ_JOB_NAME } from '../../config/semantic-conventions.constants.js';
import { type LibraryClass } from '../container/patch-class.js';
import { recordWhen } from '../patch-calls.js';
import { detach, recordAttempt, recordListeners } from './record-attempt.js';
import {
  type BulkJob,
  type BullJob,
  carryContext,
  type JobOptions,
  recordsBullmq,
  recordSending,
} from './record-sending.js';

type Handler = (this: unknown, job: BullJob, ...rest: unknown[]) => unknown;

interface BullQueue {
  readonly name: string;
  /** By name of the job; `*` for all others. */
  readonly handlers: Record<string, Handler | undefined>;
}

/**
 * The `Queue` of `bull` (4 and 3), which is a worker too. Each call that adds jobs gets a PRODUCER
 * span, and each attempt at a job its own trace, linked with it.
 */
export const BULL_QUEUE: LibraryClass = {
  name: 'bull-queue',
  knownBy: ['add', 'addBulk', 'processJob', 'setHandler'],
  calls: {
    // `add(name, data, options)` or `add(data, options)`.
    add: recordWhen(recordsBullmq, (queue: BullQueue, add, args) => {
      const [name] = args;
      const position = typeof name === 'string' ? 2 : 1;
      const attributes = { [ATTR_BULLMQ_JOB_NAME]: typeof name === 'string' ? name : '__default__' };
      const sending = { system: 'bull', queue: queue.name, operation: 'add', count: 1, attributes } as const;
      return recordSending(sending, queue, add, () => {
        const carrying = [...args];
        carrying[position] = carryContext(args[position] as JobOptions | undefined);
        return carrying;
      });
    }),
    addBulk: recordWhen(recordsBullmq, (queue: BullQueue, addBulk, args: [readonly BulkJob[]]) => {
      const [jobs] = args;
      if (!Array.isArray(jobs)) return addBulk.apply(queue, args);
      const sending = {
        system: 'bull',
        queue: queue.name,
        operation: 'addBulk',
        count: jobs.length,
      } as const;
      return recordSending(sending, queue, addBulk, () => [
        jobs.map((job: BulkJob) => {
          const opts = carryContext(job.opts);
          return opts === undefined ? job : { ...job, opts };
        }),
      ]);
    }),
    // What it does beyond the handler, moving the job and taking the next one, belongs to no attempt.
    // So the handlers are wrapped when they are about to be called, also those that were set before.
    processJob: recordWhen(
      recordsBullmq,
      (queue: BullQueue, processJob, args: [BullJob | null | undefined, ...unknown[]]) => {
        const name = args[0]?.name;
        if (typeof name === 'string') wrapHandler(queue, queue.handlers[name] === undefined ? '*' : name);
        return processJob.apply(queue, args);
      },
    ),
    emit: recordWhen(recordsBullmq, recordListeners),
    run: detach,
  },
};

const WRAPPED = Symbol.for('nestjs-telemetry.bull-handler');

function wrapHandler(queue: BullQueue, name: string): void {
  const handler = queue.handlers[name];
  if (handler === undefined || WRAPPED in handler) return;
  const wrapped: Handler = function (job, ...rest) {
    if (!recordsBullmq()) return handler.call(this, job, ...rest);
    return recordAttempt(queue, job, () => handler.call(this, job, ...rest), 'bull');
  };
  queue.handlers[name] = Object.assign(wrapped, { [WRAPPED]: true });
}
