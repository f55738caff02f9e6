import { type Context } from '@opentelemetry/api';

import {
  ATTR_BULLMQ_JOB_NAME,
  ATTR_ERROR_TYPE,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_SYSTEM,
  JOB_BUCKETS_SECONDS,
  METRIC_BULLMQ_JOB_WAIT_DURATION,
  METRIC_BULLMQ_JOBS_STALLED,
  METRIC_MESSAGING_CLIENT_SENT_MESSAGES,
} from '../config/semantic-conventions.constants.js';
import { counter } from './instruments.js';
import {
  createLabels,
  durations,
  INSTRUMENTATION_SCOPE,
  type Outcome,
  processing,
  sending,
} from './own-instruments.js';

/** How an attempt ended; `postponed`: delayed, rate-limited or waiting for its children. */
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
export interface JobAttempt extends QueueMeasurement, Omit<Outcome, 'context'> {
  readonly jobName: string;
  readonly outcome: AttemptOutcome;
}

/** Jobs that were handed to a queue in one call, or could not be. */
export interface JobsSent extends QueueMeasurement, Omit<Outcome, 'context'> {
  /** The method that was called: `add`, `addBulk`, … */
  readonly operation: string;
  readonly count: number;
}

const waitDuration = durations(
  METRIC_BULLMQ_JOB_WAIT_DURATION,
  'Time from when a job could have been processed until its first attempt began.',
  JOB_BUCKETS_SECONDS,
);
const sent = counter(INSTRUMENTATION_SCOPE, METRIC_MESSAGING_CLIENT_SENT_MESSAGES, {
  description: 'Number of messages or jobs that were handed over, or attempted to be.',
  unit: '{message}',
});
const stalled = counter(INSTRUMENTATION_SCOPE, METRIC_BULLMQ_JOBS_STALLED, {
  description: 'Number of jobs whose worker stopped renewing their lock.',
  unit: '{job}',
});

const labels = createLabels(
  ATTR_MESSAGING_SYSTEM,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_BULLMQ_JOB_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  'outcome',
  ATTR_ERROR_TYPE,
);

/** Records an attempt into `messaging.process.duration`, in seconds. */
export function recordJobAttempt(attempt: JobAttempt): void {
  const { system = 'bullmq', queue, jobName, outcome, errorType, durationSeconds, context } = attempt;
  processing.record(durationSeconds, labels(system, queue, jobName, 'process', outcome, errorType), context);
}

/** Records the wait for the first attempt into `bullmq.job.wait.duration`, in seconds. */
export function recordJobWait(measured: QueueMeasurement, jobName: string, seconds: number): void {
  const { system = 'bullmq', queue, context } = measured;
  waitDuration.record(seconds, labels(system, queue, jobName, undefined, undefined, undefined), context);
}

/** Records a call that added jobs: its duration in seconds, and how many they were. */
export function recordJobsSent(call: JobsSent): void {
  const { system = 'bullmq', queue, operation, count, errorType, durationSeconds, context } = call;
  const attributes = labels(system, queue, undefined, operation, undefined, errorType);
  sending.record(durationSeconds, attributes, context);
  sent.add(count, attributes, context);
}

/** Counts a job that stalled into `bullmq.jobs.stalled`. */
export function countStalledJob(queue: string, system: QueueSystem = 'bullmq'): void {
  stalled.add(1, labels(system, queue, undefined, undefined, undefined, undefined));
}
