import { AggregationTemporality, MetricReader } from '@opentelemetry/sdk-metrics';

/** Collects only when `collect()` is called; cumulative, so that each caller sees all. */
export class OnDemandReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}
