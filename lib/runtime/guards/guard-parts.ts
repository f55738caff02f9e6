import { type TimeInput } from '@opentelemetry/api';
import {
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';

import { readSafely, textOf } from '../../engine/copy-bounded.js';
import { scopeText } from '../../engine/recording-tracer-provider.js';
import { isTimeInput } from '../../engine/time-input.js';
import { warnOnce } from '../../errors/warnings.js';

/** Later times overflow when they are counted in nanoseconds. */
const MAX_EPOCH_MS = 2 ** 63 / 1_000_000;

export function isMilliseconds(time: unknown): time is number {
  return typeof time === 'number' && time >= 0 && time < MAX_EPOCH_MS;
}

/** A time that the SDK can calculate with; undefined for anything else, which means now. */
export function plainTime(time: unknown): TimeInput | undefined {
  const fits = readSafely(() => {
    if (!isTimeInput(time)) return false;
    if (!Array.isArray(time)) return isMilliseconds(time instanceof Date ? time.getTime() : time);
    return time.every((part) => Number.isFinite(part) && part >= 0) && isMilliseconds(time[0] * 1_000);
  });
  return fits === true ? (time as TimeInput) : undefined; // asked for above
}

type ScopeArguments = [name: string, version: string | undefined, options: { readonly schemaUrl?: string }];

/** The arguments of `getTracer()` and `getMeter()` as texts. */
export function plainScope(name: unknown, version: unknown, options: unknown): ScopeArguments {
  const schemaUrl = scopeText(
    readSafely(() => (options as { readonly schemaUrl?: unknown } | undefined)?.schemaUrl),
  );
  return [scopeText(name) ?? '', scopeText(version), schemaUrl === undefined ? {} : { schemaUrl }];
}

/** A span processor of the application, which must not fail the span, nor other processors. */
export function guardSpanProcessor(processor: SpanProcessor): SpanProcessor {
  const warn = (method: string, error: unknown): void => {
    const what = `${method}() of the span processor ${nameOf(processor)}`;
    warnOnce(`span-processor:${method}`, `${what} failed: ${textOf(error)}`);
  };
  return {
    onStart(span, parentContext) {
      try {
        processor.onStart(span, parentContext);
      } catch (error) {
        warn('onStart', error);
      }
    },
    onEnding(span) {
      try {
        processor.onEnding?.(span);
      } catch (error) {
        warn('onEnding', error);
      }
    },
    onEnd(span) {
      try {
        processor.onEnd(span);
      } catch (error) {
        warn('onEnd', error);
      }
    },
    // A throw becomes a rejection, so that the other processors are flushed.
    forceFlush: async () => {
      await processor.forceFlush();
    },
    shutdown: async () => {
      await processor.shutdown();
    },
  };
}

/** A sampler of the application: a span for which it fails is not recorded, with a warning. */
export function guardSampler(sampler: Sampler): Sampler {
  return {
    shouldSample(...args) {
      try {
        const result = sampler.shouldSample(...args);
        if (isSamplingResult(result)) return result;
        throw new TypeError('it must return { decision }, one of SamplingDecision');
      } catch (error) {
        warnOnce(
          'sampling:sampler',
          `The sampler ${nameOf(sampler)} failed, and the spans it was asked about are not recorded: ${textOf(error)}`,
        );
        return { decision: SamplingDecision.NOT_RECORD };
      }
    },
    toString: () => textOf(readSafely(() => sampler.toString())),
  };
}

function isSamplingResult(result: unknown): result is SamplingResult {
  const decision: unknown = (result as Partial<SamplingResult> | undefined)?.decision;
  return typeof decision === 'number' && SamplingDecision[decision] !== undefined;
}

function nameOf(part: object): string {
  return textOf(
    readSafely(() => part.constructor.name),
    100,
  );
}
