import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import { type OtlpProtocol } from '../../../lib/config/otlp.js';
import {
  createOtlpMetricExporter,
  readTemporalityPreference,
} from '../../../lib/exporters/otlp/otlp-metric-exporter.js';
import { OnDemandReader } from '../../../lib/metrics-sdk/on-demand.reader.js';
import { processCpuMs } from '../../support/cpu-time.js';
import { measureTurns } from '../../support/measure-turns.js';
import { collectWarnings } from '../support/collect-warnings.js';
import { resource } from '../support/trace-provider.js';
import { OTLP_PROTOCOLS, receivedPayload, startReceiver, targetFor } from './otlp-cases.js';
import { closeReceivers } from './otlp-receiver.js';

afterEach(closeReceivers);

type Json = Readonly<Record<string, unknown>>;

/** Every data point of a request with what it belongs to; in the request's order. */
function pointsIn(request: Json): Json[] {
  const { resourceMetrics } = request as {
    resourceMetrics: {
      resource: Json;
      scopeMetrics: { scope: Json; metrics: (Json & { name: string })[] }[];
    }[];
  };
  return resourceMetrics.flatMap(({ resource: of, scopeMetrics }) =>
    scopeMetrics.flatMap(({ scope, metrics }) =>
      metrics.flatMap(({ name, unit, gauge, sum, histogram }) =>
        [gauge, sum, histogram].flatMap((data) => {
          const { dataPoints = [], ...kind } = (data ?? {}) as { dataPoints?: Json[] };
          return dataPoints.map((point) => ({ of, scope: scope.name, name, unit, kind, point }));
        }),
      ),
    ),
  );
}

async function startExporter(protocol: OtlpProtocol) {
  const receiver = await startReceiver(protocol);
  const exporter = createOtlpMetricExporter(targetFor(receiver, protocol, 'metrics'), 2 ** 24);
  return { receiver, exporter };
}

/** What a reader gets of the measurements. */
async function collect(measure: (provider: MeterProvider) => void): Promise<ResourceMetrics> {
  const reader = new OnDemandReader();
  const provider = new MeterProvider({ resource, readers: [reader] });
  measure(provider);
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return resourceMetrics;
}

/** Many series of several instruments of several scopes. */
function record(provider: MeterProvider): void {
  const orders = provider.getMeter('orders');
  const latency = orders.createHistogram('latency', { unit: 's' });
  const requests = orders.createCounter('requests');
  const stock = provider.getMeter('stock').createGauge('stock');
  for (let index = 0; index < 300; index += 1) {
    latency.record(index / 1_000, { order: index });
    if (index < 150) requests.add(index, { order: index });
    if (index < 10) stock.record(index, { shelf: index });
  }
  provider.getMeter('last').createUpDownCounter('open').add(1);
}

const VARIABLE = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';

function deltaInstruments(preference: string | undefined): InstrumentType[] {
  const select = readTemporalityPreference({ [VARIABLE]: preference });
  return Object.values(InstrumentType).filter((type) => select(type) === AggregationTemporality.DELTA);
}

describe('createOtlpMetricExporter()', () => {
  it.each(OTLP_PROTOCOLS)('sends each of hundreds of series once, over %s', async (protocol) => {
    const { receiver, exporter } = await startExporter(protocol);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const standard = new OnDemandReader();
    const provider = new MeterProvider({ resource, readers: [reader, standard] });
    record(provider);

    await reader.forceFlush();

    const received = pointsIn(receivedPayload(receiver, protocol, 'metrics'));
    const { resourceMetrics } = await standard.collect();
    const expected = pointsIn(
      JSON.parse(Buffer.from(JsonMetricsSerializer.serializeRequest(resourceMetrics)!).toString()) as Json,
    );
    expect(received).toHaveLength(461);
    const inShort = ({ scope, name, unit, point }: Json): string => {
      const { attributes, count, sum, asDouble, asInt } = point as Json;
      return JSON.stringify([scope, name, unit, attributes, count, sum, asDouble, asInt]);
    };
    if (protocol === 'http/json') expect(received.map(inShort)).toEqual(expected.map(inShort));
    expect(new Set(received.map(inShort)).size).toBe(461);
    expect(new Set(received.map(({ of }) => JSON.stringify(of))).size).toBe(1);
    expect(received.map(({ scope, name }) => `${String(scope)} ${String(name)}`)).toEqual(
      expected.map(({ scope, name }) => `${String(scope)} ${String(name)}`),
    );
    await provider.shutdown();
  });

  it('sends what is being encoded when it is shut down', async () => {
    const { receiver, exporter } = await startExporter('http/json');
    const resourceMetrics = await collect(record);
    const codes: number[] = [];

    exporter.export(resourceMetrics, ({ code }) => codes.push(code));
    await exporter.shutdown();

    expect(pointsIn(receivedPayload(receiver, 'http/json', 'metrics'))).toHaveLength(461);
    expect(codes).toEqual([0]);
  });

  it('blocks the event loop for a part of what encoding takes, with 2,000 series', async () => {
    const { exporter } = await startExporter('http/protobuf');
    const resourceMetrics = await collect((provider) => {
      const latency = provider.getMeter('a').createHistogram('latency');
      for (let index = 0; index < 1_999; index += 1) latency.record(0.2, { route: `/orders/${index}` });
    });
    // The compiler has to know the code first.
    const encodingMs: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      const before = processCpuMs();
      ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
      encodingMs.push(processCpuMs() - before);
    }
    const send = () =>
      new Promise<void>((resolve) => {
        exporter.export(resourceMetrics, () => {
          resolve();
        });
      });

    // The best of some: a garbage collection, or another process, may make any turn longer.
    let longestMs = Infinity;
    const bound = Math.min(...encodingMs) / 2;
    for (let count = 0; count < 50 && longestMs >= bound; count += 1)
      longestMs = Math.min(longestMs, (await measureTurns(send)).longestMs);

    expect(longestMs).toBeLessThan(bound);
    await exporter.shutdown();
  }, 30_000);

  it('takes the temporality of a configuration file in place of the variable', async () => {
    process.env[VARIABLE] = 'delta';
    const target = { url: 'http://127.0.0.1:1/v1/metrics', protocol: 'http/json', headers: {} } as const;
    const temporalities = [
      target,
      { ...target, settings: {} },
      { ...target, settings: { temporality: 'delta' } as const },
    ]
      .map((each) => createOtlpMetricExporter(each, 1))
      .map(async (exporter) => {
        await exporter.shutdown();
        return exporter.selectAggregationTemporality?.(InstrumentType.COUNTER);
      });
    const { CUMULATIVE, DELTA } = AggregationTemporality;
    expect(await Promise.all(temporalities)).toEqual([DELTA, CUMULATIVE, DELTA]);
    Reflect.deleteProperty(process.env, VARIABLE);
  });
});

describe('readTemporalityPreference()', () => {
  it.each([undefined, '', 'cumulative'])(
    'is cumulative for all instruments when the variable is %p',
    (preference) => {
      expect(deltaInstruments(preference)).toEqual([]);
    },
  );

  it('leaves only up-down counters cumulative when delta is preferred', () => {
    expect(deltaInstruments(' Delta ').sort()).toEqual([
      'COUNTER',
      'GAUGE',
      'HISTOGRAM',
      'OBSERVABLE_COUNTER',
      'OBSERVABLE_GAUGE',
    ]);
  });

  it('makes synchronous counters and histograms delta when low memory is preferred', () => {
    expect(deltaInstruments('lowmemory').sort()).toEqual(['COUNTER', 'HISTOGRAM']);
  });

  it('warns about another value and is cumulative', () => {
    const warnings = collectWarnings();

    expect(deltaInstruments('sometimes')).toEqual([]);

    expect(warnings.messages).toEqual([
      expect.stringContaining('"sometimes", which is not cumulative, delta or lowmemory'),
    ]);
    warnings.restore();
  });
});
