import { context } from '@opentelemetry/api';

import {
  ATTR_BULLMQ_JOB_NAME,
  ATTR_BULLMQ_JOB_SCHEDULER_ID,
} from '../../config/semantic-conventions.constants.js';
import { type LibraryClass } from '../container/patch-class.js';
import { type Call, recordWhen } from '../patch-calls.js';
import {
  type BulkJob,
  type BullQueue,
  carryContext,
  type JobOptions,
  recordsClass,
  recordSending,
  sendingContext,
} from './record-sending.js';

/** Each call that adds jobs to a `Queue` gets a PRODUCER span whose context travels with the jobs. */
export const QUEUE: LibraryClass = {
  name: 'bullmq-queue',
  // A class of the application may have methods `add` and `addBulk`, too.
  knownBy: ['add', 'addBulk', 'drain', 'obliterate', 'retryJobs'],
  calls: {
    add: recordWhen(
      recordsClass,
      (queue: BullQueue, add, args: [string, unknown, (JobOptions | undefined)?]) => {
        const [name, data, options] = args;
        const attributes = { [ATTR_BULLMQ_JOB_NAME]: name };
        const sending = { queue: queue.name, operation: 'add', count: 1, attributes };
        return recordSending(sending, queue, add, () => [name, data, carryContext(options)]);
      },
    ),
    addBulk: recordWhen(recordsClass, (queue: BullQueue, addBulk, args: [readonly BulkJob[]]) => {
      const [jobs] = args;
      if (!Array.isArray(jobs)) return addBulk.apply(queue, args);
      const sending = { queue: queue.name, operation: 'addBulk', count: jobs.length };
      return recordSending(sending, queue, addBulk, () => [
        jobs.map((job: BulkJob) => ({ ...job, opts: carryContext(job.opts) }) as BulkJob),
      ]);
    }),
    // Every job that the scheduler makes from now on is linked with the call that set it up.
    upsertJobScheduler: recordWhen(
      recordsClass,
      (queue: BullQueue, upsert, args: [string, unknown, BulkJob?]) => {
        const [id, repeat, template] = args;
        const attributes = {
          [ATTR_BULLMQ_JOB_NAME]: template?.name ?? id,
          [ATTR_BULLMQ_JOB_SCHEDULER_ID]: id,
        };
        const sending = { queue: queue.name, operation: 'upsertJobScheduler', count: 1, attributes };
        return recordSending(sending, queue, upsert, () => {
          const opts = carryContext(template?.opts);
          return [id, repeat, { ...template, opts } as BulkJob];
        });
      },
    ),
    // What listens to a queue is the application's: its spans are below the call that adds the job.
    emit: (queue, emit: Call<unknown>, args: unknown[]) => {
      const sending = sendingContext();
      if (sending === undefined) return emit.apply(queue, args);
      return context.with(sending, () => emit.apply(queue, args));
    },
  },
};

/** One job of a flow, above its children. */
interface FlowJob {
  readonly name: string;
  readonly queueName: string;
  readonly opts?: JobOptions;
  readonly children?: readonly FlowJob[];
}

interface FlowProducer {
  readonly opts?: { readonly telemetry?: unknown };
}

/** Each flow added gets one PRODUCER span whose context travels with all jobs of the tree. */
export const FLOW_PRODUCER: LibraryClass = {
  name: 'bullmq-flow-producer',
  knownBy: ['add', 'addBulk', 'getFlow', 'addNode'],
  calls: {
    add: recordWhen(recordsClass, (producer: FlowProducer, add, args: [FlowJob, unknown?]) => {
      const [flow, options] = args;
      const attributes = { [ATTR_BULLMQ_JOB_NAME]: flow.name };
      const sending = { queue: flow.queueName, operation: 'addFlow', count: countJobs(flow), attributes };
      return recordSending(sending, producer, add, () => [carryIntoTree(flow), options]);
    }),
    addBulk: recordWhen(recordsClass, (producer: FlowProducer, addBulk, args: [readonly FlowJob[]]) => {
      const [flows] = args;
      if (!Array.isArray(flows) || flows.length === 0) return addBulk.apply(producer, args);
      const trees = flows as readonly FlowJob[];
      const queue = [...new Set(trees.map(({ queueName }) => queueName))].join(', ');
      const count = trees.reduce((sum, flow) => sum + countJobs(flow), 0);
      return recordSending({ queue, operation: 'addBulkFlows', count }, producer, addBulk, () => [
        trees.map(carryIntoTree),
      ]);
    }),
  },
};

function countJobs({ children = [] }: FlowJob): number {
  return children.reduce((sum, child) => sum + countJobs(child), 1);
}

function carryIntoTree(flow: FlowJob): FlowJob {
  const opts = carryContext(flow.opts);
  return {
    ...flow,
    ...(opts !== undefined && { opts }),
    ...(flow.children !== undefined && { children: flow.children.map(carryIntoTree) }),
  };
}
