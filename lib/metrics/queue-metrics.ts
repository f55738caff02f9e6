import { type Attributes, type Context } from '@opentelemetry/api';

import {
  ATTR_BULLMQ_JOB_NAME,
  ATTR_ERROR_TYPE,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_SYSTEM,
  DURATION_BUCKETS_SECONDS,
  JOB_BUCKETS_SECONDS,
  METRIC_BULLMQ_JOB_WAIT_DURATION,
  METRIC_BULLMQ_JOBS_STALLED,
  METRIC_MESSAGING_CLIENT_OPERATION_DURATION,
  METRIC_MESSAGING_CLIENT_SENT_MESSAGES,
  METRIC_MESSAGING_PROCESS_DURATION,
} from '../config/semantic-conventions.constants.js';
import { counter, createAttributeSets, histogram, INSTRUMENTATION_SCOPE } from './instruments.js';

/** How an attempt ended; `postponed` is a job that put itself off: delayed, rate-limited, waiting for its children. */
export type AttemptOutcome = 'success' | 'error' | 'postponed';

/** Value of `messaging.system`. */
export type QueueSystem = 'bullmq' | 'bull';

interface QueueMeasurement {
  /** Default `bullmq`. */
  readonly system?: QueueSystem | undefined;
  readonly queue: string;
  /** The context measured in, so that the measurement knows its span. */
  readonly context: Context;
}

/** One attempt at a job that is over. */
export interface JobAttempt extends QueueMeasurement {
  readonly jobName: string;
  readonly outcome: AttemptOutcome;
  /** Class names and codes, never messages. */
  readonly errorType?: string | undefined;
  readonly durationSeconds: number;
}

/** Jobs that were handed to a queue in one call, or could not be. */
export interface JobsSent extends QueueMeasurement {
  /** The method that was called: `add`, `addBulk`, … */
  readonly operation: string;
  readonly count: number;
  readonly errorType?: string | undefined;
  readonly durationSeconds: number;
}

const processDuration = histogram(INSTRUMENTATION_SCOPE, METRIC_MESSAGING_PROCESS_DURATION, {
  description: 'Duration of processing a message or job.',
  unit: 's',
  advice: { explicitBucketBoundaries: JOB_BUCKETS_SECONDS },
});
const waitDuration = histogram(INSTRUMENTATION_SCOPE, METRIC_BULLMQ_JOB_WAIT_DURATION, {
  description: 'Time from when a job could have been processed until its first attempt began.',
  unit: 's',
  advice: { explicitBucketBoundaries: JOB_BUCKETS_SECONDS },
});
const sendDuration = histogram(INSTRUMENTATION_SCOPE, METRIC_MESSAGING_CLIENT_OPERATION_DURATION, {
  description: 'Duration of handing messages or jobs over.',
  unit: 's',
  advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
});
const sent = counter(INSTRUMENTATION_SCOPE, METRIC_MESSAGING_CLIENT_SENT_MESSAGES, {
  description: 'Number of messages or jobs that were handed over, or attempted to be.',
  unit: '{message}',
});
const stalled = counter(INSTRUMENTATION_SCOPE, METRIC_BULLMQ_JOBS_STALLED, {
  description: 'Number of jobs whose worker stopped renewing their lock.',
  unit: '{job}',
});

const attemptAttributes = createAttributeSets();
const jobAttributes = createAttributeSets();
const sentAttributes = createAttributeSets();
const queueAttributes = createAttributeSets();

/** Records an attempt into `messaging.process.duration`, in seconds. */
export function recordJobAttempt(attempt: JobAttempt): void {
  const { system, queue, jobName, outcome, errorType, durationSeconds, context } = attempt;
  const attributes = attemptAttributes(
    `${system ?? ''} ${queue} ${jobName} ${outcome} ${errorType ?? ''}`,
    () => ({
      ...describeJob(system, queue, jobName),
      [ATTR_MESSAGING_OPERATION_NAME]: 'process',
      outcome,
      ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
    }),
  );
  processDuration.record(durationSeconds, attributes, context);
}

/** Records how long a job waited for its first attempt into `bullmq.job.wait.duration`, in seconds. */
export function recordJobWait(
  { system, queue, context }: QueueMeasurement,
  jobName: string,
  seconds: number,
): void {
  const attributes = jobAttributes(`${system ?? ''} ${queue} ${jobName}`, () =>
    describeJob(system, queue, jobName),
  );
  waitDuration.record(seconds, attributes, context);
}

/** Records a call that added jobs: its duration in seconds, and how many they were. */
export function recordJobsSent({
  system,
  queue,
  operation,
  count,
  errorType,
  durationSeconds,
  context,
}: JobsSent): void {
  const attributes = sentAttributes(`${system ?? ''} ${queue} ${operation} ${errorType ?? ''}`, () => ({
    ...describeQueue(system, queue),
    [ATTR_MESSAGING_OPERATION_NAME]: operation,
    ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
  }));
  sendDuration.record(durationSeconds, attributes, context);
  sent.add(count, attributes, context);
}

/** Counts a job that stalled into `bullmq.jobs.stalled`. */
export function countStalledJob(queue: string, system?: QueueSystem): void {
  stalled.add(
    1,
    queueAttributes(`${system ?? ''} ${queue}`, () => describeQueue(system, queue)),
  );
}

function describeJob(system: QueueSystem | undefined, queue: string, jobName: string): Attributes {
  return { ...describeQueue(system, queue), [ATTR_BULLMQ_JOB_NAME]: jobName };
}

function describeQueue(system: QueueSystem = 'bullmq', queue: string): Attributes {
  return { [ATTR_MESSAGING_SYSTEM]: system, [ATTR_MESSAGING_DESTINATION_NAME]: queue };
}
