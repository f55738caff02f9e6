import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';
import { closeReceivers, type OtlpReceiver, startHttpReceiver } from '../exporters/otlp/otlp-receiver.js';
import { describeWith, poll } from './backend-processes.js';
import { balanceBetween, CollectorServer, handOnTo } from './collector-server.js';
import { SampleSystem } from './sample-system.js';

jest.setTimeout(120_000);

const REQUESTS = 16;
/** Spans of a request in the three services; the worker ends last. */
const SERVICES = ['api_gateway', 'background_worker', 'orchestrator'];

describeWith('collector', 'two real Collectors behind the balancer of deploy/collector', (binary) => {
  const running: { stop(): Promise<void> }[] = [];
  let receivers: OtlpReceiver[];
  let traceIds: string[];

  beforeAll(async () => {
    receivers = [await startHttpReceiver(), await startHttpReceiver()];
    const collectors = await Promise.all(
      receivers.map(({ port }) =>
        CollectorServer.start(binary, {
          configs: ['collector.yaml', handOnTo(port)],
          env: { SHARE_PERCENT: '100', DECISION_WAIT: '2s', BATCH_TIMEOUT: '200ms' },
        }),
      ),
    );
    running.unshift(...collectors);
    const balancer = await CollectorServer.start(binary, {
      configs: ['balancer.yaml', balanceBetween(collectors.map(({ host }) => host))],
    });
    running.unshift(balancer);
    const system = await SampleSystem.start({
      OTEL_EXPORTER_OTLP_ENDPOINT: balancer.endpoint('http/protobuf'),
      OTEL_METRIC_EXPORT_INTERVAL: '500',
    });
    running.unshift(system);
    traceIds = [];
    for (let index = 0; index < REQUESTS; index += 1)
      traceIds.push((await system.process({ text: 'hello' })).traceId);
  });
  afterAll(async () => {
    for (const server of running) await server.stop();
    await closeReceivers();
  });

  it('have each trace at one of them, with the spans of all services', async () => {
    const [first, second] = await poll('every trace with all of its services', () => {
      const servicesOf = receivers.map(servicesByTrace);
      const isComplete = traceIds.every((id) =>
        servicesOf.some((byTrace) => SERVICES.every((name) => byTrace.get(id)?.has(name))),
      );
      return Promise.resolve(isComplete && servicesOf);
    });
    const ofFirst = traceIds.filter((id) => first!.has(id));
    const ofSecond = traceIds.filter((id) => second!.has(id));
    expect([...ofFirst, ...ofSecond].sort()).toEqual([...traceIds].sort());
    expect(Math.min(ofFirst.length, ofSecond.length)).toBeGreaterThan(0);
  });

  it('have the metrics of each process at one of them', async () => {
    const [first, second] = await poll('several exports of each process', () => {
      const exports = receivers.map(exportsByProcess);
      const all = exports.flatMap((byProcess) => [...byProcess.values()]);
      return Promise.resolve(all.length >= SERVICES.length && Math.min(...all) >= 3 && exports);
    });
    expect([...first!.keys()].filter((id) => second!.has(id))).toEqual([]);
  });
});

interface OfResource {
  readonly resource: {
    readonly attributes: readonly {
      readonly key: string;
      readonly value: { readonly stringValue?: string };
    }[];
  };
  readonly scopeSpans?: readonly { readonly spans: readonly { readonly traceId: string }[] }[];
}

const attributeOf = ({ resource }: OfResource, key: string) =>
  resource.attributes.find((attribute) => attribute.key === key)?.value.stringValue ?? '';

function resourcesOf({ requests }: OtlpReceiver, signal: 'trace' | 'metrics'): OfResource[] {
  const path = signal === 'trace' ? '/v1/traces' : '/v1/metrics';
  return requests
    .filter((request) => request.path === path)
    .flatMap(({ body }) => {
      const { resourceSpans, resourceMetrics } = decodeOtlp(signal, body);
      return (resourceSpans ?? resourceMetrics) as OfResource[];
    });
}

function servicesByTrace(receiver: OtlpReceiver): Map<string, Set<string>> {
  const services = new Map<string, Set<string>>();
  for (const resource of resourcesOf(receiver, 'trace'))
    for (const { traceId } of (resource.scopeSpans ?? []).flatMap(({ spans }) => spans)) {
      const seen = services.get(traceId) ?? new Set();
      services.set(traceId, seen.add(attributeOf(resource, 'service.name')));
    }
  return services;
}

/** How often each process has exported its metrics, by `service.instance.id`. */
function exportsByProcess(receiver: OtlpReceiver): Map<string, number> {
  const exports = new Map<string, number>();
  for (const resource of resourcesOf(receiver, 'metrics')) {
    const id = attributeOf(resource, 'service.instance.id');
    exports.set(id, (exports.get(id) ?? 0) + 1);
  }
  return exports;
}
