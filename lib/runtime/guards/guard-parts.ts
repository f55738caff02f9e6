import {
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';

import { readSafely, textOf } from '../../engine/copy-bounded.js';
import { warnOnce } from '../../errors/warnings.js';

/** Span processors of the application, which must not fail what a span is about, nor the processors beside them. */
export function guardSpanProcessor(processor: SpanProcessor): SpanProcessor {
  const attempt = (method: string, call: () => void): void => {
    try {
      call();
    } catch (error) {
      warnOnce(
        `span-processor:${method}`,
        `${method}() of the span processor ${nameOf(processor)} failed: ${textOf(error)}`,
      );
    }
  };
  return {
    onStart(span, parentContext) {
      attempt('onStart', () => {
        processor.onStart(span, parentContext);
      });
    },
    onEnding(span) {
      attempt('onEnding', () => {
        processor.onEnding?.(span);
      });
    },
    onEnd(span) {
      attempt('onEnd', () => {
        processor.onEnd(span);
      });
    },
    // What throws at once becomes a rejection, which does not keep the other processors from their flush.
    forceFlush: async () => {
      await processor.forceFlush();
    },
    shutdown: async () => {
      await processor.shutdown();
    },
  };
}

/** A sampler of the application: where it fails, the span is not recorded, and a warning says so. */
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
