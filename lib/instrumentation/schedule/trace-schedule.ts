import { type ReplaceMethod } from '../container/patch-class.js';
import { describeDecoratedJob, describeDynamicCronJob, type ScheduledJob } from './scheduled-job.js';
import { runScheduledJob } from './run-scheduled-job.js';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Patch = Readonly<Record<string, ReplaceMethod>>;

/** What the classes of `@nestjs/schedule` are told by. */
export const EXPLORER_METHODS = ['lookupSchedulers', 'wrapFunctionInTryCatchBlocks'] as const;
export const ORCHESTRATOR_METHODS = ['mountCron', 'mountIntervals'] as const;
export const REGISTRY_METHODS = ['addCronJob', 'getCronJobs', 'addInterval'] as const;

/**
 * Each run of a decorated method gets a trace. The explorer hands every such method to its `try … catch` once, at the start:
 * inside of it a run can be told from a call by the application, and what it throws is seen before Nest logs it and goes on.
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

/** Jobs of decorated methods are being registered: those have their trace from the explorer already. */
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

/** What is used of a `CronJob` of the package `cron`; `_callbacks` is not public, it catches what its callbacks throw. */
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
