import { type OtlpProtocol } from '../../lib/config/otlp.js';
import { OTLP_PROTOCOLS } from '../exporters/otlp/otlp-cases.js';
import { eventually } from '../support/eventually.js';
import { type Fault, FaultyCollector } from '../support/faulty-collector.js';
import {
  announcedLosses,
  countedLosses,
  load,
  megabytes,
  percentile,
  type Report,
  Service,
  sumOf,
} from './service.js';

/** Small enough to be full after two seconds of the load below. */
const SMALL_QUEUE = {
  OTEL_BSP_MAX_QUEUE_SIZE: '300',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '60',
  OTEL_BSP_SCHEDULE_DELAY: '200',
  OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
};
const LOAD = { rate: 60, seconds: 3 };
/** HTTP server, handler, and one of the application. */
const SPANS_PER_REQUEST = 3;

/** What happens to spans while a fault lasts, and after it. */
interface Expectation {
  /** Whether spans are lost while the fault lasts: always, never, or as the queue has it. */
  readonly loses: 'yes' | 'no' | 'when full';
  /** What the line about it says. */
  readonly says: RegExp;
  /** How long an answer may take, in milliseconds, where it is not 2,000. */
  readonly timeoutMs?: number;
}

const FAULTS: Record<Fault, Expectation> = {
  refused: { loses: 'when full', says: /ECONNREFUSED|ECONNRESET|closed|hang up/ },
  'black-hole': { loses: 'when full', says: /no answer within|did not answer a ping/ },
  frozen: { loses: 'when full', says: /no answer within|did not answer a ping/ },
  'not-tls': { loses: 'when full', says: /could not be sent/ },
  slow: { loses: 'when full', says: /produced faster than they are accepted/ },
  garbage: { loses: 'no', says: /which warns: the answer is not one of OTLP/ },
  // A busy machine may take longer to send it than the queue has room, and than two seconds.
  huge: { loses: 'when full', says: /which warns: the answer is too large/, timeoutMs: 10_000 },
  partial: { loses: 'yes', says: /rejected by the receiver: too old/ },
  'too-many': { loses: 'when full', says: /HTTP 429|RESOURCE_EXHAUSTED/ },
  unavailable: { loses: 'when full', says: /HTTP 503|UNAVAILABLE/ },
  'mid-close': { loses: 'when full', says: /cut off|aborted|closed|ECONNRESET|UNAVAILABLE/ },
  redirect: { loses: 'yes', says: /HTTP 307/ },
};

let bare: Service;
const running: Service[] = [];
const collectors: FaultyCollector[] = [];

/** A service and its collector, which speak one of the protocols. */
interface Side {
  readonly protocol: OtlpProtocol;
  readonly collector: FaultyCollector;
  readonly service: Service;
}

beforeAll(async () => {
  bare = await Service.start();
  // Both are compiled before anything is compared.
  await load([bare], { rate: 100, seconds: 1 });
});

afterEach(async () => {
  for (const service of running.splice(0)) service.kill();
  for (const collector of collectors.splice(0)) await collector.close();
});

afterAll(() => {
  bare.kill();
});

async function startCollector(protocol: OtlpProtocol): Promise<FaultyCollector> {
  const collector = await FaultyCollector.start(protocol);
  collectors.push(collector);
  return collector;
}

async function startService(
  options: object,
  env: Readonly<Record<string, string>> = SMALL_QUEUE,
): Promise<Service> {
  const service = await Service.start(options, env);
  running.push(service);
  return service;
}

/** One service and collector for each protocol. */
function startSides(
  options: (collector: FaultyCollector) => object,
  env?: Readonly<Record<string, string>>,
): Promise<Side[]> {
  return Promise.all(
    OTLP_PROTOCOLS.map(async (protocol) => {
      const collector = await startCollector(protocol);
      const service = await startService({ otlpProtocol: protocol, ...options(collector) }, env);
      return { protocol, collector, service };
    }),
  );
}

/** Checks all sides at the same time; a failure names its protocol. */
async function onEach(sides: readonly Side[], check: (side: Side) => Promise<void>): Promise<void> {
  await Promise.all(
    sides.map(async (side) => {
      try {
        await check(side);
      } catch (error) {
        throw new Error(`over ${side.protocol}: ${String(error)}`, { cause: error });
      }
    }),
  );
}

const servicesOf = (sides: readonly Side[]): Service[] => sides.map(({ service }) => service);

/** Sends the load to the services and to the bare one, and compares what a client sees. */
async function compareUnderLoad(services: readonly Service[], { rate, seconds } = LOAD): Promise<void> {
  const all = [...services, bare];
  const round = async (): Promise<number> => {
    for (const service of all) service.latencies.length = 0;
    await load(all, { rate, seconds });
    expect(all.map(({ errors }) => errors)).toEqual(all.map(() => 0));
    // A busy machine delays some request of any process; waiting for the collector would take seconds.
    const theirs = Math.max(percentile(bare.latencies, 0.99), 50);
    return Math.max(...services.map(({ latencies }) => percentile(latencies, 0.99) / theirs));
  };
  const ratio = await round();
  expect(ratio < 5 ? ratio : await round()).toBeLessThan(5);
}

/** Waits until everything is sent or lost. */
async function drained(service: Service): Promise<Report> {
  let report = await service.report();
  await eventually(async () => {
    report = await service.report();
    return sumOf(report, 'otel_sdk_exporter_span_exported_total') + queueDrops(report) === started(report);
  });
  return report;
}

const started = (report: Report): number => sumOf(report, 'otel_sdk_span_started_total');
const queueDrops = (report: Report): number =>
  sumOf(report, 'otel_sdk_processor_span_processed_total', 'error_type="queue_full"');

describe('an application whose collector is broken, over each protocol', () => {
  it.each(Object.entries(FAULTS))(
    'serves on when it is %s, counts and logs what is lost, and sends again after it',
    async (name, { loses, says, timeoutMs = 2_000 }) => {
      const sides = await startSides(({ url }) => ({ otlpEndpoint: url }), {
        ...SMALL_QUEUE,
        OTEL_EXPORTER_OTLP_TIMEOUT: String(timeoutMs),
      });
      await load(servicesOf(sides), { rate: 50, seconds: 1 });
      await onEach(sides, async ({ collector }) => {
        await eventually(() => collector.accepted.trace > 0);
      });

      await onEach(sides, ({ collector }) => collector.set(name as Fault));
      await compareUnderLoad(servicesOf(sides));
      const bareMegabytes = megabytes(await bare.report());
      await onEach(sides, async ({ service }) => {
        expect(megabytes(await service.report()) - bareMegabytes).toBeLessThan(200);
      });

      await onEach(sides, async ({ collector, service }) => {
        await collector.set(undefined);
        const after = await drained(service);
        await load([service], { rate: 20, seconds: 1 });
        const works = await drained(service);
        expect(works.lines).toContainEqual(expect.stringMatching(says));
        const lost = countedLosses(works);
        expect(lost).toBe(countedLosses(after));
        if (loses === 'yes') expect(lost).toBeGreaterThan(0);
        if (loses === 'no') expect(lost).toBe(0);
        // Nothing is lost that is not counted, and nothing is counted twice.
        expect(collector.spanIds.size + lost).toBe(started(works));
        if (works.lines.some((line) => line.startsWith('traces could not be sent')))
          await eventually(async () =>
            (await service.report()).lines.some((line) => /^traces .* again, after/.test(line)),
          );
        const last = await service.stop();
        expect(announcedLosses(last)).toBe(lost);
        // One line for each change of state, of each signal.
        expect(last.lines.length).toBeLessThan(16);
      });
    },
  );

  it('loses nothing in a restart of six seconds under load while its queue has room', async () => {
    const sides = await startSides(({ url }) => ({ otlpEndpoint: url }), {});
    await load(servicesOf(sides), { rate: 50, seconds: 1 });
    await onEach(sides, ({ collector }) => collector.stop());
    await compareUnderLoad(servicesOf(sides), { rate: 50, seconds: 6 });

    await onEach(sides, async ({ collector, service }) => {
      await collector.listen();
      const report = await drained(service);
      expect(countedLosses(report)).toBe(0);
      expect(collector.spanIds.size).toBe(started(report));
      expect(started(report)).toBeGreaterThan(300 * SPANS_PER_REQUEST);
      await service.stop();
    });
  });

  it('logs at its end how many spans it could not send, when TLS was never possible', async () => {
    const sides = await startSides(({ url }) => ({
      otlpEndpoint: url.replace('http:', 'https:'),
      shutdownTimeoutMs: 1_000,
    }));
    await compareUnderLoad(servicesOf(sides));

    await onEach(sides, async ({ service }) => {
      const report = await service.report();
      const began = performance.now();
      const last = await service.stop();
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(announcedLosses(last)).toBe(started(report));
    });
  });

  it('stays small when attributes of a megabyte wait for a collector that takes nothing', async () => {
    const sides = await startSides(({ url }) => ({ otlpEndpoint: url, shutdownTimeoutMs: 500 }), {});
    await onEach(sides, ({ collector }) => collector.set('black-hole'));
    await load(servicesOf(sides), { rate: 100, seconds: 4, path: '/orders/big' });
    const bareMegabytes = megabytes(await bare.report());

    await onEach(sides, async ({ service }) => {
      expect(service.errors).toBe(0);
      expect(megabytes(await service.report()) - bareMegabytes).toBeLessThan(250);
      await service.stop();
    });
  });
});

describe('an application whose Jaeger is broken', () => {
  it('serves on when no process listens on the UDP port, and counts and logs what is lost', async () => {
    const collector = await startCollector('http/protobuf');
    await collector.stop();
    const service = await startService({ jaegerEndpoint: collector.url.replace('http://', '') });
    await load([service], { rate: 50, seconds: 1 });
    await compareUnderLoad([service]);
    const report = await drained(service);
    expect(countedLosses(report)).toBe(started(report));
    expect(announcedLosses(await service.stop())).toBe(started(report));
  });

  it('serves on when its HTTP collector has no time, and sends again after it', async () => {
    const collector = await startCollector('http/protobuf');
    await collector.set('unavailable');
    const service = await startService({ jaegerEndpoint: `${collector.url}/api/traces` });
    await load([service], { rate: 50, seconds: 1 });
    await compareUnderLoad([service]);
    // Thrift is not OTLP: that a request is taken is all this collector can say.
    await collector.set('redirect');
    const report = await drained(service);
    expect(report.lines.some((line) => line.includes('HTTP 503'))).toBe(true);
    expect(announcedLosses(await service.stop())).toBe(countedLosses(report));
  });
});
