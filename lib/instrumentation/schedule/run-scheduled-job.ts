import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { invokeAndFollow } from '../../invocation/follow-result.js';
import { recordScheduledRun } from '../../metrics/schedule-metrics.js';
import { currentRuntime } from '../../runtime/runtime-state.js';
import { tracerFor } from '../../runtime/tracers.js';
import { errorTypeOf } from '../../tracing/error-policy.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { type ScheduledJob } from './scheduled-job.js';

/**
 * Runs a scheduled job as a trace of its own, `CleanupService.purge`, and measures it. Never as part of another trace: a
 * timer remembers the context it was set in, which is that of the start of the application or of some request.
 */
export function runScheduledJob<T>(job: ScheduledJob, run: () => T): T {
  if (currentRuntime()?.config.instrumentation.schedule !== true) return run();
  return context.with(ROOT_CONTEXT, () => {
    if (job.traced) return measureRun(job, run);
    const attributes =
      job.running === 0 ? job.attributes : { ...job.attributes, 'nestjs.schedule.overlapping': true };
    return runInSpan(tracerFor(job.scope), job.name, { attributes }, () => measureRun(job, run));
  });
}

function measureRun<T>(job: ScheduledJob, run: () => T): T {
  const active = context.active();
  const startedAt = performance.now();
  job.running += 1;
  const finish = (errorType?: string): void => {
    job.running -= 1;
    const durationSeconds = (performance.now() - startedAt) / 1000;
    recordScheduledRun({ name: job.name, type: job.type, errorType, durationSeconds, context: active });
  };
  return invokeAndFollow(run, {
    onSuccess: () => {
      finish();
    },
    onError: (error) => {
      finish(errorTypeOf(error));
    },
  });
}
