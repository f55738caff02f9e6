import { type Attributes, context, type Span, trace } from '@opentelemetry/api';

import { type NestConfig } from '../../../config/instrumentation.js';
import {
  ATTR_NESTJS_CLASS,
  ATTR_NESTJS_FAILURE_CLASS,
  ATTR_NESTJS_FAILURE_STAGE,
  ATTR_NESTJS_MODULE,
  ATTR_NESTJS_STAGE,
} from '../../../config/semantic-conventions.constants.js';
import { followResult } from '../../../invocation/follow-result.js';
import { currentRuntime } from '../../../runtime/sdk-runtime.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordException, recordFailure } from '../../../tracing/error-policy.js';
import { moduleNameOfInstance } from '../nest-modules.js';
import { createSpanNotes, toMicroseconds } from '../span-notes.js';

/** Enhancers named on one span: GraphQL may run the pipeline per field. The total counts all. */
const MAX_NAMES = 32;

/** What one stage took on one span. */
interface StageTimes {
  total: number;
  readonly names: string[];
  readonly durations: number[];
}

/** What is known of NestJS's pipeline on the span it runs in. */
export class PipelineRecord {
  private readonly stages = new Map<Stage, StageTimes>();
  /** The guard that refused: NestJS makes the exception afterwards. */
  refusal: Attributes | undefined;

  constructor(
    readonly span: Span,
    private readonly config: NestConfig,
  ) {}

  /**
   * Times one call of a guard, a pipe or a filter to its end.
   *
   * @param isPending whether a result is work that goes on
   * @param isLast whether the stage is over afterwards
   */
  time<R>(
    stage: Stage,
    origin: EnhancerOrigin,
    call: () => R,
    isPending: (result: unknown) => boolean,
    isLast = false,
  ): R {
    const startedAt = performance.now();
    let result: R;
    try {
      result = call();
    } catch (error) {
      this.failed(stage, origin, startedAt, error);
      throw error;
    }
    const onSuccess = (): void => {
      this.took(stage, origin, startedAt, performance.now());
      if (isLast) this.write(stage);
    };
    if (isPending(result)) {
      const onError = (error: unknown): void => {
        this.failed(stage, origin, startedAt, error);
      };
      return followResult(result, { onSuccess, onError });
    }
    onSuccess();
    return result;
  }

  /** Adds what one enhancer took, from and to instants of `performance.now()`. */
  took(stage: Stage, origin: EnhancerOrigin, startedAt: number, endedAt: number): void {
    const duration = endedAt - startedAt;
    if (this.config.pipeline === 'timings') this.add(stage, origin.label, duration);
    else if (duration >= this.config.pipelineThresholdMs) this.open(stage, origin, startedAt).end(endedAt);
  }

  /** Records what an enhancer threw, and names the stage on the span. */
  failed(stage: Stage, origin: EnhancerOrigin, startedAt: number, error: unknown): void {
    const endedAt = performance.now();
    this.blame(stage, origin);
    if (this.config.pipeline === 'timings') {
      recordException(this.span, error, origin.attributes(stage));
      this.add(stage, origin.label, endedAt - startedAt);
      this.write(stage);
      return;
    }
    const span = this.open(stage, origin, startedAt);
    recordFailure(span, error);
    span.end(endedAt);
  }

  /** Names the stage and the class that ended the request early. */
  blame(stage: Stage, origin: EnhancerOrigin): void {
    this.span.setAttribute(ATTR_NESTJS_FAILURE_STAGE, stage.name);
    this.span.setAttribute(ATTR_NESTJS_FAILURE_CLASS, origin.className);
  }

  /** Sets what a stage took on the span; once per run of the stage, not once per enhancer. */
  write(stage: Stage): void {
    const times = this.stages.get(stage);
    if (times === undefined || !this.span.isRecording()) return;
    this.span.setAttribute(stage.names, [...times.names]);
    this.span.setAttribute(stage.total, toMicroseconds(times.total));
    if (times.names.length > 1) this.span.setAttribute(stage.each, times.durations.map(toMicroseconds));
  }

  private add(stage: Stage, label: string, duration: number): void {
    let times = this.stages.get(stage);
    if (times === undefined) {
      times = { total: 0, names: [], durations: [] };
      this.stages.set(stage, times);
    }
    times.total += duration;
    const index = times.names.indexOf(label);
    if (index !== -1) times.durations[index] = (times.durations[index] ?? 0) + duration;
    else if (times.names.length < MAX_NAMES) {
      times.names.push(label);
      times.durations.push(duration);
    }
  }

  private open(stage: Stage, origin: EnhancerOrigin, startTime: number): Span {
    const attributes = origin.attributes(stage);
    const parent = trace.setSpan(context.active(), this.span);
    const name = `${origin.className}.${stage.call}`;
    return tracerFor(origin.className).startSpan(name, { attributes, startTime }, parent);
  }
}

const records = createSpanNotes<PipelineRecord>('pipeline');

/** The record of the active span; undefined where nothing is recorded. */
export function activePipeline(): PipelineRecord | undefined {
  const nest = currentRuntime()?.config.instrumentation.nest;
  if (nest === undefined || nest.pipeline === false) return undefined;
  const span = trace.getActiveSpan();
  if (span?.isRecording() !== true) return undefined;
  return records.getOrMake(span, (noted) => new PipelineRecord(noted, nest));
}

/** Attributes of the guard that refused the request of this span. */
export function refusalOn(span: Span): Attributes | undefined {
  return records.get(span)?.refusal;
}

/** Which class an enhancer has, in which module. */
export interface EnhancerOrigin {
  readonly className: string;
  /** `AuthModule/AuthGuard`; the class alone for an instance that no module provides. */
  readonly label: string;
  /** Attributes of its spans and of exceptions it throws. Frozen, one object per stage. */
  attributes(stage: Stage): Attributes;
}

const origins = new WeakMap<object, EnhancerOrigin>();

/** @param user the class of the handler that the enhancer is bound to, where that is known */
export function originOf(enhancer: object, user?: object): EnhancerOrigin {
  let origin = origins.get(enhancer);
  if (origin === undefined) {
    origin = describe(enhancer, user);
    origins.set(enhancer, origin);
  }
  return origin;
}

function describe(enhancer: object, user: object | undefined): EnhancerOrigin {
  const type: unknown = typeof enhancer === 'function' ? enhancer : Reflect.get(enhancer, 'constructor');
  const isClass = typeof type === 'function' && type !== Object && type.name !== '';
  const className = isClass ? type.name : 'anonymous';
  const moduleName = isClass ? moduleNameOfInstance(enhancer, type, user) : undefined;
  const byStage = new Map<Stage, Attributes>();
  return {
    className,
    label: moduleName === undefined ? className : `${moduleName}/${className}`,
    attributes(stage) {
      let attributes = byStage.get(stage);
      if (attributes === undefined) {
        attributes = Object.freeze({
          [ATTR_NESTJS_STAGE]: stage.name,
          [ATTR_NESTJS_CLASS]: className,
          ...(moduleName !== undefined && { [ATTR_NESTJS_MODULE]: moduleName }),
        });
        byStage.set(stage, attributes);
      }
      return attributes;
    },
  };
}

/** One step of NestJS's pipeline, and how it is recorded. */
interface Stage {
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

function stageOf(name: Stage['name'], call: string, names: string): Stage {
  return { name, call, names, total: `${names}.duration_ms`, each: `${names}.durations_ms` };
}

export const GUARD = stageOf('guard', 'canActivate', 'nestjs.guards');
export const INTERCEPTOR_BEFORE = stageOf(
  'interceptor.before',
  'intercept before',
  'nestjs.interceptors.before',
);
export const INTERCEPTOR_AFTER = stageOf('interceptor.after', 'intercept after', 'nestjs.interceptors.after');
export const PIPE = stageOf('pipe', 'transform', 'nestjs.pipes');
export const FILTER = stageOf('filter', 'catch', 'nestjs.filters');
