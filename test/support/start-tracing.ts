import { context, propagation, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

import { AsyncLocalStorageContextManager } from '../../lib/runtime/async-local-storage-context-manager.js';
import { runtimeState } from '../../lib/runtime/sdk-runtime.js';

export interface TestTracing {
  spans(): ReadableSpan[];
  span(name: string): ReadableSpan;
  /** Runs `fn` below a span `caller`, to its end. */
  below<T>(fn: () => Promise<T>): Promise<T>;
  reset(): void;
  stop(): void;
}

/** A real SDK around the tracing room, without the rest of the house. */
export function startTracing(): TestTracing {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  runtimeState().generation += 1;
  return {
    spans: () => exporter.getFinishedSpans(),
    span: (name) => {
      const found = exporter.getFinishedSpans().filter((span) => span.name === name);
      expect(found.map((span) => span.name)).toEqual([name]);
      return found[0]!;
    },
    below: (fn) =>
      trace.getTracer('test').startActiveSpan('caller', async (span) => {
        try {
          return await fn();
        } finally {
          span.end();
        }
      }),
    reset: () => {
      exporter.reset();
    },
    stop: () => {
      trace.disable();
      context.disable();
      propagation.disable();
      runtimeState().generation += 1;
    },
  };
}
