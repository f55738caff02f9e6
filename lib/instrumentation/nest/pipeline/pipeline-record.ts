import { type Attributes, context, type Span, trace } from '@opentelemetry/api';

import { type NestConfig } from '../../../config/instrumentation.js';
import { currentRuntime } from '../../../runtime/runtime-state.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordException, recordFailure } from '../../../tracing/error-policy.js';
import {
  ATTR_NESTJS_FAILURE_CLASS,
  ATTR_NESTJS_FAILURE_STAGE,
} from '../../../config/semantic-conventions.constants.js';
import { createSpanNotes } from '../span-notes.js';
import { type EnhancerOrigin } from './enhancer-origin.js';
import { type Stage } from './stages.constants.js';

/** Enhancers told by name on one span; GraphQL may run the pipeline once per field. Later ones count for the total. */
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
  /** The guard that said no: the exception is made by NestJS afterwards. */
  refusal: Attributes | undefined;

  constructor(
    readonly span: Span,
    private readonly config: NestConfig,
  ) {}

  /** Takes what one enhancer took, from and to instants of `performance.now()`. */
  took(stage: Stage, origin: EnhancerOrigin, startedAt: number, endedAt: number): void {
    const duration = endedAt - startedAt;
    if (this.config.pipeline === 'timings') this.add(stage, origin.label, duration);
    else if (duration >= this.config.pipelineThresholdMs) this.open(stage, origin, startedAt).end(endedAt);
  }

  /** Takes the exception that an enhancer threw, where it was thrown first, and names the stage on the span. */
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

  /** Puts what a stage took on the span; once per run of the stage, not once per enhancer. */
  write(stage: Stage): void {
    const times = this.stages.get(stage);
    if (times === undefined || !this.span.isRecording()) return;
    this.span.setAttribute(stage.names, [...times.names]);
    this.span.setAttribute(stage.total, rounded(times.total));
    if (times.names.length > 1) this.span.setAttribute(stage.each, times.durations.map(rounded));
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

/** The record of the active span; undefined where nothing is to be recorded, which is all an unsampled call costs. */
export function activePipeline(): PipelineRecord | undefined {
  const nest = currentRuntime()?.config.instrumentation.nest;
  if (nest === undefined || nest.pipeline === false) return undefined;
  const span = trace.getActiveSpan();
  if (span?.isRecording() !== true) return undefined;
  return records.getOrMake(span, (noted) => new PipelineRecord(noted, nest));
}

/** What is known of a guard that refused the request of this span. */
export function refusalOn(span: Span): Attributes | undefined {
  return records.get(span)?.refusal;
}

/** To the microsecond: more is noise. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
