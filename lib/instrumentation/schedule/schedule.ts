import { type Attributes, context, ROOT_CONTEXT } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_FAAS_CRON,
  ATTR_NESTJS_TYPE,
} from '../../config/semantic-conventions.constants.js';
import { invokeAndFollow } from '../../invocation/follow-result.js';
import { isMarked } from '../../invocation/wrap-method.js';
import { recordScheduledRun } from '../../metrics/schedule-metrics.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { tracerFor } from '../../runtime/tracers.js';
import { errorTypeOf } from '../../tracing/error-policy.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';
import { type ReplaceMethod } from '../container/patch-class.js';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Patch = Readonly<Record<string, ReplaceMethod>>;

/** The methods by which the classes of `@nestjs/schedule` are recognised. */
export const EXPLORER_METHODS = ['lookupSchedulers', 'wrapFunctionInTryCatchBlocks'] as const;
export const ORCHESTRATOR_METHODS = ['mountCron', 'mountIntervals'] as const;
export const REGISTRY_METHODS = ['addCronJob', 'getCronJobs', 'addInterval'] as const;

/**
 * Each run of a decorated method gets a trace. The explorer hands every such method to its `try …
 * catch` once, at the start: inside of it a run can be distinguished from a call by the
 * application, and what it throws is seen before Nest logs it and goes on.
 */
export const EXPLORER_PATCH: Patch = {
  wrapFunctionInTryCatchBlocks(original: AnyFunction) {
    return function (this: unknown, method: unknown, instance: unknown, ...rest: unknown[]) {
      const job =
        typeof method === 'function' && typeof instance === 'object' && instance !== null
          ? describeDecoratedJob(method, instance)
          : undefined;
      const recorded = job === undefined ? method : recordRuns(job, method as AnyFunction);
      return original.call(this, recorded, instance, ...rest);
    };
  },
};

/**
 * Jobs of decorated methods are being registered: those have their trace from the explorer already.
 */
let mounting = false;

/** Tells the registry's patch which jobs are those of decorated methods. */
export const ORCHESTRATOR_PATCH: Patch = {
  mountCron(original: AnyFunction) {
    return function (this: unknown, ...args: unknown[]) {
      mounting = true;
      try {
        return original.apply(this, args);
      } finally {
        mounting = false;
      }
    };
  },
};

/**
 * What is used of a `CronJob` of the package `cron`; `_callbacks` is not public, it catches what
 * its callbacks throw.
 */
interface CronJobLike {
  readonly cronTime?: { readonly source?: unknown };
  _callbacks?: unknown;
}

/** Each run of a `CronJob` that the application adds to the `SchedulerRegistry` gets a trace. */
export const REGISTRY_PATCH: Patch = {
  addCronJob(original: AnyFunction) {
    return function (this: unknown, ...args: unknown[]) {
      const result = original.apply(this, args);
      const [name, job] = args as [string, CronJobLike];
      if (!mounting && Array.isArray(job._callbacks)) {
        const described = describeDynamicCronJob(name, job.cronTime?.source);
        job._callbacks = job._callbacks.map((callback: AnyFunction) => recordRuns(described, callback));
      }
      return result;
    };
  },
};

function recordRuns(job: ScheduledJob, run: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    return runScheduledJob(job, () => run.apply(this, args));
  };
}

type ScheduleType = 'cron' | 'interval' | 'timeout';

/** Something that runs by itself, and what each of its runs says. */
interface ScheduledJob {
  readonly type: ScheduleType;
  /** `CleanupService.purge`; few in number: what is added at run time shares one. */
  readonly name: string;
  readonly scope: string;
  readonly attributes: Attributes;
  /** Whether `@Trace()` gives it its span already. */
  readonly traced: boolean;
  /** How many runs are under way. */
  running: number;
}

interface CronOptions {
  readonly name?: string;
  readonly cronTime?: unknown;
  readonly timeZone?: string;
}

/** What `@nestjs/schedule` keeps as `SchedulerType`. */
const TYPES: Readonly<Record<number, ScheduleType>> = { 1: 'cron', 2: 'timeout', 3: 'interval' };

/**
 * The job that `@Cron()`, `@Interval()` or `@Timeout()` made of a method; undefined for any other
 * method.
 */
function describeDecoratedJob(method: object, instance: object): ScheduledJob | undefined {
  const type = TYPES[Reflect.getMetadata('SCHEDULER_TYPE', method) as number];
  if (type === undefined) return undefined;
  const scope = instance.constructor.name;
  const name = `${scope}.${(method as { readonly name: string }).name}`;
  const cron = (Reflect.getMetadata('SCHEDULE_CRON_OPTIONS', method) ?? {}) as CronOptions;
  const timer = (Reflect.getMetadata(`SCHEDULE_${type.toUpperCase()}_OPTIONS`, method) ?? {}) as {
    readonly timeout?: number;
  };
  const jobName = (Reflect.getMetadata('SCHEDULER_NAME', method) ?? cron.name) as string | undefined;
  return {
    type,
    name,
    scope,
    attributes: describe(type, name, {
      ...cron,
      ...(jobName !== undefined && { name: jobName }),
      milliseconds: timer.timeout,
    }),
    traced: isMarked(method, TRACED_METHOD),
    running: 0,
  };
}

/**
 * A job that was added to the `SchedulerRegistry` by hand; its name is the application's, and may
 * be one of thousands.
 */
function describeDynamicCronJob(name: string, cronTime: unknown): ScheduledJob {
  const label = 'CronJob.onTick';
  return {
    type: 'cron',
    name: label,
    scope: 'CronJob',
    attributes: describe('cron', label, { name, cronTime }),
    traced: false,
    running: 0,
  };
}

function describe(
  type: ScheduleType,
  functionName: string,
  { name, cronTime, timeZone, milliseconds }: CronOptions & { readonly milliseconds?: number | undefined },
): Attributes {
  return Object.freeze({
    [ATTR_CODE_FUNCTION_NAME]: functionName,
    [ATTR_NESTJS_TYPE]: 'schedule',
    'nestjs.schedule.type': type,
    ...(name !== undefined && { 'nestjs.schedule.name': name }),
    ...(typeof cronTime === 'string' && { [ATTR_FAAS_CRON]: cronTime }),
    ...(timeZone !== undefined && { 'nestjs.schedule.time_zone': timeZone }),
    ...(milliseconds !== undefined && { 'nestjs.schedule.milliseconds': milliseconds }),
  });
}

/**
 * Runs a scheduled job as a trace of its own, `CleanupService.purge`, and measures it. Never as
 * part of another trace: a timer remembers the context it was set in, which is that of the start of
 * the application or of some request.
 */
function runScheduledJob<T>(job: ScheduledJob, run: () => T): T {
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
