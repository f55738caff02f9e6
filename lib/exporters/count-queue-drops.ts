import { type Counter, createNoopMeter, type Meter, type MeterProvider } from '@opentelemetry/api';

/**
 * A meter provider for the `selfObsMeterProvider` option of a batch processor that hears one thing only: how many
 * items the processor dropped because its queue was full. The processors tell nobody else, save a debug message.
 */
export function countQueueDrops(onDrop: (count: number) => void): MeterProvider {
  const processed: Counter = {
    add(count, attributes) {
      if (attributes?.['error.type'] === 'queue_full') onDrop(count);
    },
  };
  const meter = Object.assign(Object.create(createNoopMeter()) as Meter, { createCounter: () => processed });
  return { getMeter: () => meter };
}
