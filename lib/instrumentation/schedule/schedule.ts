import { type Attributes, context, ROOT_CONTEXT } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_FAAS_CRON,
  ATTR_NESTJS_SCHEDULE_MILLISECONDS,
  ATTR_NESTJS_SCHEDULE_NAME,
  ATTR_NESTJS_SCHEDULE_OVERLAPPING,
  ATTR_NESTJS_SCHEDULE_TIME_ZONE,
  ATTR_NESTJS_SCHEDULE_TYPE,
  ATTR_NESTJS_TYPE,
} from '../../config/semantic-conventions.constants.js';
import { isMarked } from '../../invocation/wrap-method.js';
import { recordScheduledRun } from '../../metrics/schedule-metrics.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { tracerFor } from '../../runtime/tracers.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';
import { type LibraryClass } from '../container/patch-class.js';
import { measureCall } from '../measure-call.js';
import { type Call } from '../patch-calls.js';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** What decorated methods are called by: they have their trace from the explorer already. */
const decorated = new WeakSet<AnyFunction>();

/**
 * What is used of a `CronJob` of the package `cron`; `_callbacks` is not public, it catches what
 * its callbacks throw.
 */
interface CronJobLike {
  readonly cronTime?: { readonly source?: unknown };
  _callbacks?: unknown;
}

/** The classes of `@nestjs/schedule`: each run of a job gets a trace. */
export const SCHEDULE_CLASSES: readonly LibraryClass[] = [
  {
    name: 'schedule-explorer',
    knownBy: ['lookupSchedulers', 'wrapFunctionInTryCatchBlocks'],
    calls: {
      // The explorer hands every decorated method to its `try … catch` once, at the start: inside of
      // it a run can be distinguished from a call by the application, and what it throws is seen
      // before Nest logs it and goes on.
      wrapFunctionInTryCatchBlocks: (explorer, wrap: Call<unknown>, args: unknown[]) => {
        const [method, instance, ...rest] = args;
        const job =
          typeof method === 'function' && typeof instance === 'object' && instance !== null
            ? describeDecoratedJob(method, instance)
            : undefined;
        if (job === undefined) return wrap.apply(explorer, args);
        const wrapped = wrap.call(explorer, recordRuns(job, method as AnyFunction), instance, ...rest);
        decorated.add(wrapped as AnyFunction);
        return wrapped;
      },
    },
  },
  {
    name: 'schedule-registry',
    knownBy: ['addCronJob', 'getCronJobs', 'addInterval'],
    calls: {
      addCronJob: (registry, add: Call<unknown>, args: unknown[]) => {
        const result = add.apply(registry, args);
        const [name, job] = args as [string, CronJobLike];
        if (Array.isArray(job._callbacks)) {
          const described = describeDynamicCronJob(name, job.cronTime?.source);
          job._callbacks = job._callbacks.map((callback: AnyFunction) =>
            decorated.has(callback) ? callback : recordRuns(described, callback),
          );
        }
        return result;
      },
    },
  },
];

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
  readonly name?: string | undefined;
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
  const cron = (Reflect.getMetadata('SCHEDULE_CRON_OPTIONS', method) ?? {}) as CronOptions;
  const timer = (Reflect.getMetadata(`SCHEDULE_${type.toUpperCase()}_OPTIONS`, method) ?? {}) as {
    readonly timeout?: number;
  };
  const name = (Reflect.getMetadata('SCHEDULER_NAME', method) ?? cron.name) as string | undefined;
  return {
    ...describe(
      type,
      `${scope}.${(method as { readonly name: string }).name}`,
      scope,
      { ...cron, name },
      timer.timeout,
    ),
    traced: isMarked(method, TRACED_METHOD),
  };
}

/**
 * A job that was added to the `SchedulerRegistry` by hand; its name is the application's, and may
 * be one of thousands.
 */
function describeDynamicCronJob(name: string, cronTime: unknown): ScheduledJob {
  return describe('cron', 'CronJob.onTick', 'CronJob', { name, cronTime });
}

function describe(
  type: ScheduleType,
  name: string,
  scope: string,
  { name: jobName, cronTime, timeZone }: CronOptions,
  milliseconds?: number,
): ScheduledJob {
  const attributes = Object.freeze({
    [ATTR_CODE_FUNCTION_NAME]: name,
    [ATTR_NESTJS_TYPE]: 'schedule',
    [ATTR_NESTJS_SCHEDULE_TYPE]: type,
    ...(jobName !== undefined && { [ATTR_NESTJS_SCHEDULE_NAME]: jobName }),
    ...(typeof cronTime === 'string' && { [ATTR_FAAS_CRON]: cronTime }),
    ...(timeZone !== undefined && { [ATTR_NESTJS_SCHEDULE_TIME_ZONE]: timeZone }),
    ...(milliseconds !== undefined && { [ATTR_NESTJS_SCHEDULE_MILLISECONDS]: milliseconds }),
  });
  return { type, name, scope, attributes, traced: false, running: 0 };
}

/**
 * Runs a scheduled job as its own trace, `CleanupService.purge`, and measures it. Never as
 * part of another trace: a timer remembers the context it was set in, which is that of the start of
 * the application or of some request.
 */
function recordRuns(job: ScheduledJob, method: AnyFunction): AnyFunction {
  return function (...args) {
    const run = (): unknown => method.apply(this, args);
    if (currentRuntime()?.config.instrumentation.schedule !== true) return run();
    return context.with(ROOT_CONTEXT, () => {
      if (job.traced) return measureRun(job, run);
      const attributes =
        job.running === 0 ? job.attributes : { ...job.attributes, [ATTR_NESTJS_SCHEDULE_OVERLAPPING]: true };
      return runInSpan(tracerFor(job.scope), job.name, { attributes }, () => measureRun(job, run));
    });
  };
}

function measureRun<T>(job: ScheduledJob, run: () => T): T {
  job.running += 1;
  return measureCall(run, (measured) => {
    job.running -= 1;
    recordScheduledRun({ name: job.name, type: job.type, ...measured });
  });
}
