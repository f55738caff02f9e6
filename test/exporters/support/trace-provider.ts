import { resourceFromAttributes } from '@opentelemetry/resources';
import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** The resource all tests of exporters send. */
export const resource = resourceFromAttributes({
  'service.name': 'orchestrator',
  'service.version': '1.2.3',
  'host.tags': ['a', 'b'],
});

export function tracerProvider(spanProcessors: SpanProcessor[]): TracerProvider {
  return new TracerProvider({ resource, spanProcessors });
}
