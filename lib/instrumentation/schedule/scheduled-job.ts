import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_FAAS_CRON,
  ATTR_NESTJS_TYPE,
} from '../../config/semantic-conventions.constants.js';
import { isMarked } from '../../invocation/wrap-method.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';

export type ScheduleType = 'cron' | 'interval' | 'timeout';

/** Something that runs by itself, and what each of its runs says. */
export interface ScheduledJob {
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

/** The job that `@Cron()`, `@Interval()` or `@Timeout()` made of a method; undefined for any other method. */
export function describeDecoratedJob(method: object, instance: object): ScheduledJob | undefined {
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

/** A job that was added to the `SchedulerRegistry` by hand; its name is the application's, and may be one of thousands. */
export function describeDynamicCronJob(name: string, cronTime: unknown): ScheduledJob {
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
