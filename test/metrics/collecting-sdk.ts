import { metrics } from '@opentelemetry/api';
import {
  type DataPoint,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from '@opentelemetry/sdk-metrics';

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {
    // nothing is buffered
  }

  protected override async onShutdown(): Promise<void> {
    // nothing to stop
  }
}

/** A real SDK, registered globally, whose metrics a test collects by hand. */
export interface CollectingSdk {
  readonly reader: MetricReader;
  collect(): Promise<MetricData[]>;
  /** Points of one instrument; empty when it was not measured. */
  points(name: string, scope?: string): Promise<DataPoint<number | Histogram>[]>;
  stop(): Promise<void>;
}

export function startCollectingSdk(): CollectingSdk {
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  const scopes = async () => (await reader.collect()).resourceMetrics.scopeMetrics;
  return {
    reader,
    collect: async () => (await scopes()).flatMap(({ metrics: data }) => data),
    points: async (name, scope) =>
      (await scopes())
        .filter((each) => scope === undefined || each.scope.name === scope)
        .flatMap(({ metrics: data }) => data)
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints as DataPoint<number | Histogram>[]),
    stop: async () => {
      metrics.disable();
      await provider.shutdown();
    },
  };
}
