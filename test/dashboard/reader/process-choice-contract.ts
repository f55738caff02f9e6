import {
  type ProcessChoice,
  type TelemetryReader,
} from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import {
  childOf,
  lineOf,
  type ReaderUnderTest,
  requestOf,
  type Telemetry,
  type WrittenSpan,
} from './telemetry.js';

const MINUTE = 60_000;
const PAST = Math.floor(Date.now() / MINUTE - 5) * MINUTE;
const RANGE = { from: PAST, to: PAST + 4 * MINUTE };

const A = { version: '1.0.0', environment: 'production', instance: 'a' };
const B = { version: '2.0.0', environment: 'production', instance: 'b' };
/** Has no instance: its host says which process it is. */
const C = { version: '2.0.0', environment: 'staging', host: 'host-c' };

/** What is chosen, and how many requests of `orders` it answered, of which so many failed. */
const CHOICES: readonly (readonly [string, ProcessChoice, number, number])[] = [
  ['everything', {}, 6, 1],
  ['a version', { version: '2.0.0' }, 3, 1],
  ['an environment', { environment: 'production' }, 5, 1],
  ['an instance', { process: 'a' }, 3, 0],
  ['a host, where there is no instance', { process: 'host-c' }, 1, 0],
  ['all three', { version: '2.0.0', environment: 'production', process: 'b' }, 2, 1],
  ['what no process is', { version: '1.0.0', process: 'b' }, 0, 0],
  ['a text that means something to a query', { version: "' OR '1'='1" }, 0, 0],
];

const exception = {
  name: 'exception',
  attributes: { 'exception.type': 'Error', 'exception.message': 'no stock', 'exception.stacktrace': '' },
};

function failing(start: number, more: Partial<WrittenSpan>): WrittenSpan {
  return requestOf(start, {
    status: 'error',
    outcome: '500',
    events: [{ ...exception, time: start + 1 }],
    ...more,
  });
}

/** Six requests of `orders` in three processes, and one of `shop` that calls `b`. */
function write(): Telemetry {
  const ofA = [1, 2, 3].map((second) => requestOf(PAST + second * 1_000, { ...A, durationMs: 10 }));
  const failed = failing(PAST + 70_000, { ...B, durationMs: 20 });
  const shop = requestOf(PAST + 80_000, { service: 'shop', name: 'GET /', route: '/', durationMs: 40, ...A });
  const call = childOf(shop, { kind: 'client', name: 'GET', durationMs: 30, ...A });
  const answered = requestOf(PAST + 80_005, {
    ...B,
    traceId: shop.traceId,
    parentSpanId: call.spanId,
    durationMs: 25,
  });
  const ofC = requestOf(PAST + 130_000, { ...C, durationMs: 5 });
  const query = childOf(answered, { ...B, kind: 'client', name: 'SELECT', durationMs: 3 });
  const job = childOf(ofC, { ...C, name: 'mail', status: 'error', statusMessage: 'no mail' });
  return {
    spans: [...ofA, failed, shop, call, answered, query, ofC, job],
    logs: [
      lineOf(PAST + 1_000, { ...A, message: 'one of a' }),
      lineOf(PAST + 2_000, { ...A, message: 'two of a', level: 50 }),
      lineOf(PAST + 70_000, { ...B, message: 'one of b', level: 50, traceId: failed.traceId }),
      lineOf(PAST + 130_000, { ...C, message: 'one of c' }),
    ],
    points: [A, B].map((origin, index) => ({
      ...origin,
      service: 'orders',
      name: 'process.cpu.utilization',
      type: 'gauge',
      unit: '1',
      attributes: {},
      time: PAST + 30_000,
      value: 0.1 * (index + 1),
    })),
  };
}

/** The questions that take a `ProcessChoice`. @param create opens a reader over an empty database */
export function describeProcessChoice(name: string, create: () => Promise<ReaderUnderTest>): void {
  describe(`${name} asked about some processes`, () => {
    let opened: ReaderUnderTest;
    let reader: TelemetryReader;
    // Nothing is written between the questions.
    beforeAll(async () => {
      opened = await create();
      ({ reader } = opened);
      await opened.write(write());
    });
    afterAll(() => opened.close());

    it('offers the versions, environments and processes that have reported, of one service or of all', async () => {
      const all = {
        versions: ['1.0.0', '2.0.0'],
        environments: ['production', 'staging'],
        processes: ['a', 'b', 'host-c'],
      };
      expect(await reader.processValues(RANGE)).toEqual(all);
      expect(await reader.processValues({ ...RANGE, service: 'shop' })).toEqual({
        versions: ['1.0.0'],
        environments: ['production'],
        processes: ['a'],
      });
      const none = { versions: [], environments: [], processes: [] };
      expect(await reader.processValues({ ...RANGE, service: 'unknown' })).toEqual(none);
    });

    describe.each(CHOICES)('%s', (_title, choice, requests, failures) => {
      it('counts its requests over time, by route, and by how long they took', async () => {
        const filter = { ...RANGE, service: 'orders', ...choice };
        const [overview, durations, routes, trends, ofRoute] = await Promise.all([
          reader.overview({ ...filter, buckets: 4 }),
          reader.durations({ ...filter, bars: 20 }),
          reader.routes(filter),
          reader.trends({ ...filter, buckets: 4, recentFrom: PAST + 2 * MINUTE }),
          reader.overview({ ...filter, buckets: 4, route: '/orders/:id', method: 'GET' }),
        ]);
        const sum = (perSecond: readonly number[]): number =>
          Math.round(perSecond.reduce((total, each) => total + each * 60, 0));
        expect([sum(overview.perSecond), sum(overview.errorsPerSecond)]).toEqual([requests, failures]);
        expect(sum(ofRoute.perSecond)).toBe(requests);
        expect(durations.count).toBe(requests);
        const counts = routes.filter(({ count }) => count > 0).map(({ route, count }) => [route, count]);
        expect(counts).toEqual(requests === 0 ? [] : [['/orders/:id', requests]]);
        expect(trends.routes.map(({ all }) => all.count)).toEqual(requests === 0 ? [] : [requests]);
      });

      it('counts them by service, with what failed beside them', async () => {
        const services = await reader.services({ ...RANGE, ...choice });
        const orders = services.find(({ name }) => name === 'orders');
        expect(orders?.count ?? 0).toBe(requests);
        expect(Math.round((orders?.errorShare ?? 0) * requests)).toBe(failures);
        const isC = choice.process === 'host-c' || (choice.version === '2.0.0' && requests === 3);
        expect(orders?.failedWork ?? 0).toBe(isC || Object.keys(choice).length === 0 ? 1 : 0);
      });
    });

    it('finds the traces in which it took part, with a service as a process of that', async () => {
      const count = async (filter: object): Promise<number> =>
        (await reader.traces({ ...RANGE, ...filter })).items.length;
      expect(await count({})).toBe(6);
      expect(await count({ process: 'a' })).toBe(4);
      expect(await count({ process: 'a', service: 'orders' })).toBe(3);
      expect(await count({ process: 'b' })).toBe(2);
      expect(await count({ process: 'b', route: '/orders/:id' })).toBe(2);
      expect(await count({ process: 'a', route: '/orders/:id' })).toBe(3);
      expect(await count({ environment: 'staging' })).toBe(1);
      expect(await count({ version: '3' })).toBe(0);
    });

    it('finds and counts its log lines', async () => {
      const lines = async (choice: ProcessChoice): Promise<readonly string[]> =>
        (await reader.logs({ ...RANGE, ...choice })).items.map(({ message }) => message);
      expect(await lines({ version: '2.0.0' })).toEqual(['one of c', 'one of b']);
      expect(await lines({ process: 'a' })).toEqual(['two of a', 'one of a']);
      expect(await lines({ process: 'nothing' })).toEqual([]);
      const found = await reader.logs({ ...RANGE, text: 'one', environment: 'production' });
      expect(found.items.map(({ message }) => message)).toEqual(['one of b', 'one of a']);
      const { counts } = await reader.logVolume({ ...RANGE, buckets: 4, process: 'a' });
      const total = (level: string) => (counts[level] ?? []).reduce((a, b) => a + b, 0);
      expect([total('info'), total('error')]).toEqual([1, 1]);
    });

    it('counts its errors', async () => {
      const counts = async (choice: ProcessChoice): Promise<Record<string, number>> => {
        const { errors } = await reader.errors({ ...RANGE, buckets: 4, ...choice });
        return Object.fromEntries(errors.map(({ message, count }) => [message, count]));
      };
      expect(await counts({})).toEqual({ 'no stock': 1, 'no mail': 1, 'two of a': 1 });
      expect(await counts({ process: 'a' })).toEqual({ 'two of a': 1 });
      expect(await counts({ version: '2.0.0' })).toEqual({ 'no stock': 1, 'no mail': 1 });
      expect(await counts({ process: 'nothing' })).toEqual({});
      const { states, errors } = await reader.errors({ ...RANGE, buckets: 4, environment: 'staging' });
      expect(states.new + states.known).toBe(1);
      const [{ service, fingerprint }] = errors as [(typeof errors)[number]];
      const countOf = async (choice: ProcessChoice): Promise<number> =>
        (await reader.error({ ...RANGE, ...choice, service, fingerprint, buckets: 4 }))?.count ?? 0;
      expect([await countOf({ environment: 'staging' }), await countOf({ process: 'a' })]).toEqual([1, 0]);
    });

    it('adds up its operations, and says of which traces', async () => {
      const answer = await reader.operations({ ...RANGE, process: 'b' });
      const found = answer.operations.map(({ service, name, count }) => `${service} ${name} ${count}`);
      expect(found.sort()).toEqual(['orders GET /orders/:id 2', 'orders SELECT 1']);
      const request = answer.operations.find(({ kind }) => kind === 'request');
      // 20 ms, and 25 without the 3 of the statement.
      expect(request?.selfMs).toBeCloseTo(42, 1);
      expect(answer).toMatchObject({ traces: 2, complete: true });
    });

    it('maps the traces in which it took part', async () => {
      const { edges, traces } = await reader.serviceMap({ ...RANGE, process: 'b' });
      expect(traces).toBe(2);
      expect(edges.some(({ count, kind }) => kind === 'call' && count === 1)).toBe(true);
      expect((await reader.serviceMap({ ...RANGE, process: 'nothing' })).edges).toEqual([]);
    });

    it('compares a region with its other requests', async () => {
      const region = { from: PAST, to: PAST + 2 * MINUTE, service: 'orders', route: '/orders/:id' };
      const { selected, traces } = await reader.selection({ ...region, version: '2.0.0' });
      expect([selected, traces.length]).toEqual([2, 2]);
    });

    it('lists its starts and its processes', async () => {
      const { from } = RANGE;
      const time = { from, to: Date.now() + MINUTE };
      const versions = async (choice: ProcessChoice): Promise<readonly string[]> =>
        (await reader.starts({ ...time, service: 'orders', ...choice })).map(({ version }) => version);
      expect(await versions({ environment: 'staging' })).toEqual(['2.0.0']);
      expect(await versions({ process: 'a' })).toEqual(['1.0.0']);
      expect(await versions({ version: '3' })).toEqual([]);
      const processes = await reader.processes({ ...RANGE, version: '2.0.0' });
      expect(processes.map(({ instance }) => instance)).toEqual(['b']);
    });

    it('draws a metric of it, unless the reader says that it adds up all processes', async () => {
      const [instrument] = await reader.instruments('orders');
      const chart = await reader.chart({ ...RANGE, instrument: instrument!.id, buckets: 4, process: 'b' });
      const [value] = chart!.series[0]!.values.filter((each) => each !== null);
      if (reader.addsUpMetrics !== true) expect(value).toBeCloseTo(0.2, 5);
      else expect(value).toBeGreaterThan(0);
    });
  });
}
