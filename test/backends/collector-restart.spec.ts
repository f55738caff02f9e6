import { join } from 'node:path';

import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';
import { OTLP_PROTOCOLS } from '../exporters/otlp/otlp-cases.js';
import { closeReceivers, type OtlpReceiver, startHttpReceiver } from '../exporters/otlp/otlp-receiver.js';
import { countedLosses, load, Service, sumOf } from '../faults/service.js';
import { describeWith, poll } from './backend-processes.js';
import { balanceBetween, CollectorServer, handOnTo } from './collector-server.js';

jest.setTimeout(180_000);

const PASS_THROUGH = join(__dirname, 'collector/pass-through.yaml');
const ROUNDS = 3;
/** HTTP server, handler, and one of the application. */
const SPANS_PER_REQUEST = 3;

/** What reached the receiver behind the Collector, each thing once. */
interface Arrived {
  readonly spans: ReadonlySet<string>;
  readonly logs: ReadonlySet<string>;
  /** Requests that the metric of the HTTP server counts. */
  readonly requests: number;
}

describeWith('collector', 'an application under load beside a real Collector that restarts', (binary) => {
  let behind: OtlpReceiver;
  let services: Service[] = [];
  const running: CollectorServer[] = [];

  const startCollector = async (options: Parameters<typeof CollectorServer.start>[1]) => {
    const collector = await CollectorServer.start(binary, options);
    running.unshift(collector);
    return collector;
  };
  const startPassThrough = (host?: string) =>
    startCollector({
      configs: [PASS_THROUGH],
      env: { BEHIND: `http://127.0.0.1:${behind.port}` },
      ...(host !== undefined && { host }),
    });
  /** What restarts: a Collector that acknowledges what is behind it has, or the balancer in front of such a one. */
  const kinds = {
    'a Collector': startPassThrough,
    'the balancer of deploy/collector': async (host?: string) => {
      // It is the first that was started, and goes on.
      const { host: stays } = running.at(-1) ?? (await startPassThrough());
      return startCollector({
        configs: ['balancer.yaml', balanceBetween([stays])],
        ...(host !== undefined && { host }),
      });
    },
  };

  const startServices = (collector: CollectorServer) =>
    Promise.all(
      OTLP_PROTOCOLS.map((protocol) =>
        Service.start(
          { serviceName: protocol, otlpEndpoint: collector.endpoint(protocol), otlpProtocol: protocol },
          {
            OTEL_BSP_SCHEDULE_DELAY: '100',
            OTEL_BLRP_SCHEDULE_DELAY: '100',
            OTEL_METRIC_EXPORT_INTERVAL: '500',
            OTEL_METRIC_EXPORT_TIMEOUT: '500',
            // A sum since the last export is lost with its export; one since the start would be made up for by the next.
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
          },
        ),
      ),
    );

  beforeEach(async () => {
    behind = await startHttpReceiver();
  });
  afterEach(async () => {
    for (const service of services.splice(0)) service.kill();
    for (const collector of running.splice(0)) await collector.stop();
    await closeReceivers();
  });

  it.each([
    ['a Collector', 'SIGTERM'],
    ['a Collector', 'SIGKILL'],
    ['the balancer of deploy/collector', 'SIGTERM'],
    ['the balancer of deploy/collector', 'SIGKILL'],
  ] as const)(
    'loses no span, log record or measurement over any protocol when %s ends by %s and starts again, three times',
    async (kind, signal) => {
      const start = kinds[kind];
      let collector = await start();
      services = await startServices(collector);
      const requests = services.map(() => 0);
      const loading = (async () => {
        for (let round = 0; round < ROUNDS * 5; round += 1) await load(services, { rate: 40, seconds: 1 });
      })();
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = behind.requests.length;
        await poll('more telemetry', () => Promise.resolve(behind.requests.length > before + 10));
        const { host } = collector;
        await collector.stop(signal);
        const served = services.map(({ latencies }) => latencies.length);
        await poll('requests without a Collector', () =>
          Promise.resolve(services.every(({ latencies }, index) => latencies.length >= served[index]! + 60)),
        );
        collector = await start(host);
      }
      await loading;

      for (const [index, protocol] of OTLP_PROTOCOLS.entries()) {
        const service = services[index]!;
        requests[index] = service.latencies.length;
        let arrived: Arrived | undefined;
        await poll(`all of ${protocol}`, async () => {
          const report = await service.report();
          arrived = arrivedFrom(behind, protocol);
          return (
            arrived.spans.size === sumOf(report, 'otel_sdk_span_started_total') &&
            arrived.logs.size === sumOf(report, 'otel_sdk_log_created_total') &&
            arrived.requests === requests[index]
          );
        }).catch(() => undefined);
        const report = await service.report();
        const lost = { spans: countedLosses(report), logs: countedLosses(report, 'log') };
        expect({ protocol, ...counts(arrived!), lost }).toEqual({
          protocol,
          spans: sumOf(report, 'otel_sdk_span_started_total'),
          logs: sumOf(report, 'otel_sdk_log_created_total'),
          aboutSending: report.lines.filter((line) => ABOUT_SENDING.test(line)).length,
          requests: requests[index],
          lost: { spans: 0, logs: 0 },
        });
        expect(report.lines.filter((line) => /lost meanwhile: [\d,]+/.test(line))).toEqual([]);
        expect(arrived!.spans.size).toBeGreaterThan(0);
        expect(service.errors).toBe(0);
      }
    },
  );

  it('loses nothing that waits for a decision or a batch when the Collector of deploy/collector ends by SIGTERM', async () => {
    const collector = await startCollector({
      configs: ['collector.yaml', handOnTo(behind.port)],
      env: { SHARE_PERCENT: '100', DECISION_WAIT: '60s', BATCH_TIMEOUT: '60s' },
    });
    services = await startServices(collector);
    await load(services, { rate: 40, seconds: 1 });
    const reports = await Promise.all(services.map((service) => service.stop()));
    await collector.stop();

    for (const [index, protocol] of OTLP_PROTOCOLS.entries()) {
      const { latencies } = services[index]!;
      const { logs, requests, spans } = arrivedFrom(behind, protocol);
      expect(countedLosses(reports[index]!)).toBe(0);
      expect(countedLosses(reports[index]!, 'log')).toBe(0);
      expect(requests).toBe(latencies.length);
      expect(spans.size).toBe(latencies.length * SPANS_PER_REQUEST);
      expect(logs.size).toBeGreaterThanOrEqual(latencies.length);
    }
  });
});

/** Lines of the library about what it sends: a lost one is no line of a request. */
const ABOUT_SENDING = /(traces|logs|metrics) (could not be sent to|are sent to) /;

const counts = ({ spans, logs, requests }: Arrived) => ({
  spans: spans.size,
  logs: logs.size,
  aboutSending: [...logs].filter((record) => ABOUT_SENDING.test(record)).length,
  requests,
});

interface Metric {
  readonly name: string;
  readonly histogram?: {
    readonly dataPoints: readonly {
      readonly count: string;
      readonly attributes: unknown;
      readonly startTimeUnixNano: string;
      readonly timeUnixNano: string;
    }[];
  };
}

interface Scope {
  readonly spans?: readonly { readonly spanId: string }[];
  readonly logRecords?: readonly unknown[];
  readonly metrics?: readonly Metric[];
}

interface OfResource {
  readonly resource: {
    readonly attributes: readonly {
      readonly key: string;
      readonly value: { readonly stringValue?: string };
    }[];
  };
  readonly scopeSpans?: readonly Scope[];
  readonly scopeLogs?: readonly Scope[];
  readonly scopeMetrics?: readonly Scope[];
}

function scopesOf(request: Record<string, unknown>, serviceName: string): Scope[] {
  const resources = (request.resourceSpans ??
    request.resourceLogs ??
    request.resourceMetrics ??
    []) as OfResource[];
  return resources
    .filter(({ resource: { attributes } }) =>
      attributes.some(({ key, value }) => key === 'service.name' && value.stringValue === serviceName),
    )
    .flatMap(({ scopeSpans, scopeLogs, scopeMetrics }) => scopeSpans ?? scopeLogs ?? scopeMetrics ?? []);
}

/** Reads all requests of one service again: the same item may be there twice, when its answer was lost. */
function arrivedFrom({ requests }: OtlpReceiver, serviceName: string): Arrived {
  const spans = new Set<string>();
  const logs = new Set<string>();
  const measurements = new Map<string, number>();
  for (const { path, body } of requests) {
    const signal = path.endsWith('traces') ? 'trace' : path.endsWith('logs') ? 'logs' : 'metrics';
    const decoded = decodeOtlp(signal, body);
    for (const scope of scopesOf(decoded, serviceName)) {
      for (const { spanId } of scope.spans ?? []) spans.add(spanId);
      for (const record of scope.logRecords ?? []) logs.add(JSON.stringify(record));
      for (const { name, histogram } of scope.metrics ?? []) {
        if (name !== 'http.server.request.duration') continue;
        for (const { count, attributes, startTimeUnixNano, timeUnixNano } of histogram!.dataPoints)
          measurements.set(JSON.stringify([attributes, startTimeUnixNano, timeUnixNano]), Number(count));
      }
    }
  }
  return { spans, logs, requests: [...measurements.values()].reduce((sum, count) => sum + count, 0) };
}
