import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_ERROR_TYPE,
  ATTR_NESTJS_SCHEDULE_TYPE,
  JOB_BUCKETS_SECONDS,
  METRIC_NESTJS_SCHEDULE_RUN_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createLabels, durations, type Outcome } from './own-instruments.js';

/** One run of a scheduled job that is over. */
export interface ScheduledRun extends Outcome {
  /** `CleanupService.purge`. */
  readonly name: string;
  /** `cron`, `interval` or `timeout`. */
  readonly type: string;
}

const duration = durations(
  METRIC_NESTJS_SCHEDULE_RUN_DURATION,
  'Duration of the runs of scheduled jobs.',
  JOB_BUCKETS_SECONDS,
);

const labels = createLabels(ATTR_CODE_FUNCTION_NAME, ATTR_NESTJS_SCHEDULE_TYPE, 'outcome', ATTR_ERROR_TYPE);

/** Records a finished run into `nestjs.schedule.run.duration`, in seconds. */
export function recordScheduledRun(run: ScheduledRun): void {
  const { name, type, errorType, durationSeconds, context } = run;
  const outcome = errorType === undefined ? 'success' : 'error';
  duration.record(durationSeconds, labels(name, type, outcome, errorType), context);
}
