import { type Attributes } from '@opentelemetry/api';

import { ATTR_NESTJS_EVENT_NAME, ATTR_NESTJS_TYPE } from '../../config/semantic-conventions.constants.js';
import { type MethodRule } from '../container/wrap-methods.js';
import { attemptSpanOf } from './record-attempt.js';

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

/** Listeners of `@nestjs/bullmq` and `@nestjs/bull`: one for an event of a job's attempt runs in the trace of that attempt. */
export const bullmqListenerRule: MethodRule = {
  switchedBy: 'bullmq',
  describe(method): Attributes | undefined {
    for (const key of LISTENER_METADATA) {
      const metadata = Reflect.getMetadata(key, method) as { readonly eventName?: unknown } | undefined;
      if (metadata !== undefined) {
        return { [ATTR_NESTJS_TYPE]: 'event', [ATTR_NESTJS_EVENT_NAME]: String(metadata.eventName) };
      }
    }
    return undefined;
  },
};

/** `process()` of a `WorkerHost`, or a method with `@Process()`: the span of the attempt says which it is, instead of a second span that lasts as long. */
export const bullmqProcessorRule: MethodRule = {
  switchedBy: 'bullmq',
  describe: (method, key, owner) =>
    (key === 'process' && Reflect.hasMetadata(PROCESSOR_METADATA, owner)) ||
    Reflect.hasMetadata(PROCESS_METADATA, method)
      ? { [ATTR_NESTJS_TYPE]: 'job' }
      : undefined,
  spanOfCall: ([job]) => attemptSpanOf(job),
};
