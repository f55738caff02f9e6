import { ATTR_BULLMQ_JOB_NAME } from '../../config/semantic-conventions.constants.js';
import { type ReplaceMethod } from '../container/patch-class.js';
import { carryContext, type FlowJob, recordsBullmq, recordSending } from './record-sending.js';

/** The methods by which a `FlowProducer` is recognised. */
export const FLOW_PRODUCER_METHODS = ['add', 'addBulk', 'getFlow', 'addNode'] as const;

interface FlowProducer {
  readonly opts?: { readonly telemetry?: unknown };
}
type AddFlow = (this: FlowProducer, flow: FlowJob, options?: unknown) => unknown;
type AddFlows = (this: FlowProducer, flows: readonly FlowJob[]) => unknown;

/** Each flow added gets one PRODUCER span whose context travels with all jobs of the tree. */
export const FLOW_PRODUCER_PATCH: Readonly<Record<string, ReplaceMethod>> = {
  add: traceAdd,
  addBulk: traceAddBulk,
};

/** A producer with a telemetry of BullMQ's own makes its spans by itself. */
function isOurs({ opts }: FlowProducer): boolean {
  return recordsBullmq() && opts?.telemetry === undefined;
}

function traceAdd(original: AddFlow): AddFlow {
  return function (flow, options) {
    if (!isOurs(this)) return original.call(this, flow, options);
    const attributes = { [ATTR_BULLMQ_JOB_NAME]: flow.name };
    const sending = { queue: flow.queueName, operation: 'addFlow', count: countJobs(flow), attributes };
    return recordSending(sending, () => {
      const carrying = carryIntoTree(flow);
      return () => original.call(this, carrying, options);
    });
  };
}

function traceAddBulk(original: AddFlows): AddFlows {
  return function (flows) {
    if (!isOurs(this) || !Array.isArray(flows) || flows.length === 0) return original.call(this, flows);
    const trees = flows as readonly FlowJob[];
    const queues = [...new Set(trees.map(({ queueName }) => queueName))].join(', ');
    const count = trees.reduce((sum, flow) => sum + countJobs(flow), 0);
    return recordSending({ queue: queues, operation: 'addBulkFlows', count }, () => {
      const carrying = trees.map(carryIntoTree);
      return () => original.call(this, carrying);
    });
  };
}

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
