/** One step of NestJS's pipeline, and how it is told. */
export interface Stage {
  /** Value of `nestjs.stage`. */
  readonly name: 'guard' | 'interceptor.before' | 'interceptor.after' | 'pipe' | 'filter';
  /** What follows the class in the name of a span. */
  readonly call: string;
  /** Attribute: who ran, `module/class`, in the order of their first end. */
  readonly names: string;
  /** Attribute: milliseconds that all of them took together. */
  readonly total: string;
  /** Attribute: milliseconds of each, in the order of `names`; only when there are several. */
  readonly each: string;
}

export const GUARD: Stage = {
  name: 'guard',
  call: 'canActivate',
  names: 'nestjs.guards',
  total: 'nestjs.guards.duration_ms',
  each: 'nestjs.guards.durations_ms',
};

export const INTERCEPTOR_BEFORE: Stage = {
  name: 'interceptor.before',
  call: 'intercept before',
  names: 'nestjs.interceptors.before',
  total: 'nestjs.interceptors.before.duration_ms',
  each: 'nestjs.interceptors.before.durations_ms',
};

export const INTERCEPTOR_AFTER: Stage = {
  name: 'interceptor.after',
  call: 'intercept after',
  names: 'nestjs.interceptors.after',
  total: 'nestjs.interceptors.after.duration_ms',
  each: 'nestjs.interceptors.after.durations_ms',
};

export const PIPE: Stage = {
  name: 'pipe',
  call: 'transform',
  names: 'nestjs.pipes',
  total: 'nestjs.pipes.duration_ms',
  each: 'nestjs.pipes.durations_ms',
};

export const FILTER: Stage = {
  name: 'filter',
  call: 'catch',
  names: 'nestjs.filters',
  total: 'nestjs.filters.duration_ms',
  each: 'nestjs.filters.durations_ms',
};
