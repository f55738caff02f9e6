import {
  ATTR_ERROR_TYPE,
  ATTR_OTEL_COMPONENT_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  METRIC_STORE_DROPPED,
  METRIC_STORE_QUEUE_SIZE,
  metricOfSdkExporter,
  metricOfSdkProcessor,
} from '../../config/semantic-conventions.constants.js';
import { getOrAdd } from '../get-or-add.js';
import { type ProcessExporterAnswer, type ProcessReport } from './answers/processes.interface.js';

type Signal = ProcessExporterAnswer['signal'];

interface SdkMetric {
  readonly signal?: Signal;
  readonly part: 'exported' | 'processed' | 'queued' | 'capacity' | 'storeDropped' | 'storeQueued';
  /** Its reports add up; of others the last one holds. */
  readonly addsUp: boolean;
}

const ITEMS: Readonly<Record<Signal, string>> = { traces: 'span', metrics: 'metric_data_point', logs: 'log' };
const SIGNALS = ['traces', 'metrics', 'logs'] as const satisfies readonly Signal[];

/** Metrics that say how the telemetry of a process does, by name. */
export const SDK_METRICS: ReadonlyMap<string, SdkMetric> = new Map([
  ...SIGNALS.flatMap((signal): (readonly [string, SdkMetric])[] => [
    [metricOfSdkExporter(ITEMS[signal], 'exported'), { signal, part: 'exported', addsUp: true }],
    [metricOfSdkProcessor(ITEMS[signal], 'processed'), { signal, part: 'processed', addsUp: true }],
    [metricOfSdkProcessor(ITEMS[signal], 'queue.size'), { signal, part: 'queued', addsUp: false }],
    [metricOfSdkProcessor(ITEMS[signal], 'queue.capacity'), { signal, part: 'capacity', addsUp: false }],
  ]),
  [METRIC_STORE_DROPPED, { part: 'storeDropped', addsUp: true }],
  [METRIC_STORE_QUEUE_SIZE, { part: 'storeQueued', addsUp: false }],
]);

/** Reasons that are listed; `error.type` may be anything. */
const MAX_REASONS = 10;
/** Exporters of one signal that are named. */
const MAX_NAMES = 3;
const OTHER_REASONS = 'other reasons';

interface SignalSums {
  readonly names: Set<string>;
  readonly endpoints: Set<string>;
  readonly lostBy: Map<string, number>;
  lostInRange: number | undefined;
  exported: number;
  failed: number;
  dropped: number;
  queued: number | undefined;
  queueCapacity: number | undefined;
}

/** Adds to the losses by reason; reasons beyond a bound are added up as one. */
export function addLoss(lostBy: Map<string, number>, errorType: string, count: number): void {
  const isListed = lostBy.has(errorType) || lostBy.size < MAX_REASONS;
  const reason = isListed ? errorType : OTHER_REASONS;
  lostBy.set(reason, (lostBy.get(reason) ?? 0) + count);
}

/** Adds the series of `SDK_METRICS` of one process up: a line for each signal, whatever exporters it has. */
export class SdkMetricSums {
  private readonly signals = new Map<Signal, SignalSums>();
  private storeDropped: number | undefined;
  private storeQueued: number | undefined;

  /**
   * @param value what the series counts in all, or what holds
   * @param inRange of it what came in the range that was asked about, where that is known
   */
  add(metric: string, attributes: Readonly<Record<string, unknown>>, value: number, inRange?: number): void {
    const definition = SDK_METRICS.get(metric);
    if (definition === undefined) return;
    const { signal, part } = definition;
    if (signal !== undefined) this.addTo(this.sumsOf(signal), part, attributes, value, inRange);
    else if (part === 'storeDropped') this.storeDropped = (this.storeDropped ?? 0) + value;
    else this.storeQueued = (this.storeQueued ?? 0) + value;
  }

  /** What the series say together. */
  report(): ProcessReport {
    const { signals, storeDropped, storeQueued } = this;
    const exporters = SIGNALS.flatMap((signal): ProcessExporterAnswer[] => {
      const sums = signals.get(signal);
      if (sums === undefined) return [];
      const { names, endpoints, lostBy, ...figures } = sums;
      const joined = (texts: ReadonlySet<string>): string => [...texts].slice(0, MAX_NAMES).join(', ');
      return [
        {
          signal,
          name: joined(names),
          endpoint: joined(endpoints),
          lostBy: Object.fromEntries(lostBy),
          ...figures,
        },
      ];
    });
    const isStored = storeDropped !== undefined || storeQueued !== undefined;
    return {
      exporters,
      store: isStored ? { dropped: storeDropped ?? 0, queued: storeQueued ?? 0 } : undefined,
    };
  }

  private sumsOf(signal: Signal): SignalSums {
    return getOrAdd(this.signals, signal, () => ({
      names: new Set(),
      endpoints: new Set(),
      lostBy: new Map(),
      lostInRange: undefined,
      exported: 0,
      failed: 0,
      dropped: 0,
      queued: undefined,
      queueCapacity: undefined,
    }));
  }

  private addTo(
    sums: SignalSums,
    part: SdkMetric['part'],
    attributes: Readonly<Record<string, unknown>>,
    value: number,
    inRange: number | undefined,
  ): void {
    const text = (key: string): string => {
      const found = attributes[key];
      return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
    };
    const errorType = text(ATTR_ERROR_TYPE);
    if (part === 'queued') sums.queued = (sums.queued ?? 0) + value;
    if (part === 'capacity') sums.queueCapacity = (sums.queueCapacity ?? 0) + value;
    // What a processor hands on without an error is counted by the exporter.
    if (part === 'processed' && errorType !== '') sums.dropped += value;
    if (part === 'exported') {
      if (errorType === '') sums.exported += value;
      else sums.failed += value;
      const [type, address, port] = [ATTR_OTEL_COMPONENT_TYPE, ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT].map(
        text,
      );
      if (type) sums.names.add(type);
      if (address) sums.endpoints.add(port ? `${address}:${port}` : address);
    }
    if (errorType === '' || value === 0 || (part !== 'exported' && part !== 'processed')) return;
    if (inRange !== undefined) sums.lostInRange = (sums.lostInRange ?? 0) + inRange;
    addLoss(sums.lostBy, errorType, value);
  }
}
