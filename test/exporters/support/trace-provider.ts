import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

import { RecordingTracerProvider } from '../../../lib/engine/recording-tracer-provider.js';

/** The resource all tests of exporters send. */
export const resource = resourceFromAttributes({
  'service.name': 'orchestrator',
  'service.version': '1.2.3',
  'host.tags': ['a', 'b'],
});

/** A provider of the SDK's spans, or of our own. */
export function tracerProvider(spanProcessors: SpanProcessor[]): TracerProvider;
export function tracerProvider(
  spanProcessors: SpanProcessor[],
  engine: 'fast' | 'sdk',
): TracerProvider | RecordingTracerProvider;
export function tracerProvider(
  spanProcessors: SpanProcessor[],
  engine: 'fast' | 'sdk' = 'sdk',
): TracerProvider | RecordingTracerProvider {
  if (engine === 'sdk') return new TracerProvider({ resource, spanProcessors });
  const sampler = new AlwaysOnSampler();
  return new RecordingTracerProvider({
    resource,
    sampler,
    childrenFollowParent: false,
    limits: {},
    spanProcessors,
  });
}
