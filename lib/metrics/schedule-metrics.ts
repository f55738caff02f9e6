import { type Context } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_ERROR_TYPE,
  JOB_BUCKETS_SECONDS,
} from '../config/semantic-conventions.constants.js';
import { createAttributeSets, histogram, INSTRUMENTATION_SCOPE } from './instruments.js';

/** One run of a scheduled job that is over. */
export interface ScheduledRun {
  /** `CleanupService.purge`. */
  readonly name: string;
  /** `cron`, `interval` or `timeout`. */
  readonly type: string;
  /** What went wrong; undefined for a run that succeeded. Class names and codes, never messages. */
  readonly errorType?: string | undefined;
  readonly durationSeconds: number;
  /** The context of the run, so that the measurement knows its span. */
  readonly context: Context;
}

const duration = histogram(INSTRUMENTATION_SCOPE, 'nestjs.schedule.run.duration', {
  description: 'Duration of the runs of scheduled jobs.',
  unit: 's',
  advice: { explicitBucketBoundaries: JOB_BUCKETS_SECONDS },
});

const runAttributes = createAttributeSets();

/** Records a finished run into `nestjs.schedule.run.duration`, in seconds. */
export function recordScheduledRun(run: ScheduledRun): void {
  const { name, type, errorType } = run;
  const attributes = runAttributes(`${type} ${name} ${errorType ?? ''}`, () => ({
    [ATTR_CODE_FUNCTION_NAME]: name,
    'nestjs.schedule.type': type,
    outcome: errorType === undefined ? 'success' : 'error',
    ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
  }));
  duration.record(run.durationSeconds, attributes, run.context);
}
