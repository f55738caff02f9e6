import { type Page } from '../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import { type ChartSeries } from '../../../lib/dashboard/reader/answers/metrics.interface.js';
import { type TraceSummaryAnswer } from '../../../lib/dashboard/reader/answers/traces.interface.js';
import { FIELD_OPERATORS, parseCondition } from '../../../lib/dashboard/reader/field-filter.js';
import {
  type LogFilter,
  type LogVolumeFilter,
  type QueryOptions,
  type TelemetryReader,
  type TraceFilter,
} from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { describeErrors } from './errors-contract.js';
import { describeOperations } from './operations-contract.js';
import { describeProcessChoice } from './process-choice-contract.js';
import { describeProcessHealth } from './process-health-contract.js';
import { describeProcesses } from './processes-contract.js';
import { describeRouteQuestions } from './routes-contract.js';
import { describeServiceMap } from './service-map-contract.js';
import {
  childOf,
  lineOf,
  newTraceId,
  type ReaderUnderTest,
  requestOf,
  type Telemetry,
  type WrittenPoint,
  type WrittenSpan,
} from './telemetry.js';
import { describeWeights } from './weights-contract.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** The begin of a minute that is over: stores that sum by the minute count it as a whole. */
const PAST = Math.floor(Date.now() / MINUTE - 5) * MINUTE;
const RANGE = { from: PAST, to: PAST + 4 * MINUTE };

/** Texts that mean something to a query language, to JSON or to a terminal. */
const HOSTILE = [
  "'",
  '"',
  "' OR '1'='1",
  '"; DROP TABLE spans; --',
  '%',
  '_',
  '\\',
  '$.a',
  '*',
  'a" OR "b',
  'NEAR(a b)',
  '__proto__',
  '\u0000',
  '\u{1F600}',
  '\ud800',
  'é́',
  '\u202e',
  'x'.repeat(1_000),
];

/** Every question, with the least it takes. */
const QUESTIONS: Readonly<
  Record<string, (reader: TelemetryReader, options: QueryOptions) => Promise<unknown>>
> = {
  services: (reader, options) => reader.services(RANGE, options),
  overview: (reader, options) => reader.overview({ ...RANGE, buckets: 4 }, options),
  durations: (reader, options) => reader.durations({ ...RANGE, bars: 10 }, options),
  trends: (reader, options) => reader.trends({ ...RANGE, buckets: 4, recentFrom: PAST }, options),
  routes: (reader, options) => reader.routes(RANGE, options),
  routeVersions: (reader, options) => reader.routeVersions({}, options),
  starts: (reader, options) => reader.starts(RANGE, options),
  requestCounts: (reader, options) => reader.requestCounts(RANGE, options),
  traces: (reader, options) => reader.traces({}, options),
  trace: (reader, options) => reader.trace(newTraceId(), options),
  summaries: (reader, options) => reader.summaries([newTraceId()], options),
  spans: (reader, options) => reader.spans([newTraceId()], options),
  resources: (reader, options) => reader.resources(newTraceId(), options),
  logs: (reader, options) => reader.logs({}, options),
  logVolume: (reader, options) => reader.logVolume({ ...RANGE, buckets: 4 }, options),
  errors: (reader, options) => reader.errors({ ...RANGE, buckets: 4 }, options),
  error: (reader, options) =>
    reader.error({ ...RANGE, buckets: 4, service: 'orders', fingerprint: 'f' }, options),
  operations: (reader, options) => reader.operations(RANGE, options),
  serviceMap: (reader, options) => reader.serviceMap(RANGE, options),
  processValues: (reader, options) => reader.processValues(RANGE, options),
  instruments: (reader, options) => reader.instruments(undefined, options),
  chart: (reader, options) => reader.chart({ ...RANGE, instrument: 1, buckets: 4 }, options),
  processes: (reader, options) => reader.processes(RANGE, options),
  process: (reader, options) =>
    reader.process({ ...RANGE, service: 'orders', instance: '', buckets: 4 }, options),
  processHealth: (reader, options) => reader.processHealth(RANGE, options),
  selection: (reader, options) => reader.selection(RANGE, options),
  health: (reader, options) => reader.health(options),
};

/** All pages of a list. */
async function allOf<T>(ask: (before: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let before: string | undefined;
  do {
    const page = await ask(before);
    items.push(...page.items);
    before = page.next;
  } while (before !== undefined);
  return items;
}

/**
 * Holds an implementation of `TelemetryReader` to its promises.
 *
 * @param create opens one over an empty database
 * @param features what of the optional parts it has; `types`: whether attributes keep their types; `countsOnly`: to ask only the
 * questions that count, since the others were asked of it in another test
 */
export function describeTelemetryReader(
  name: string,
  create: () => Promise<ReaderUnderTest>,
  features: { readonly live: boolean; readonly types: boolean; readonly countsOnly?: boolean },
): void {
  const describeOthers = features.countsOnly ? () => undefined : describe;
  describe(`${name} as a TelemetryReader`, () => {
    let opened: ReaderUnderTest;
    let reader: TelemetryReader;
    beforeEach(async () => {
      opened = await create();
      ({ reader } = opened);
    });
    afterEach(() => opened.close());

    const write = (telemetry: Telemetry) => opened.write(telemetry);
    const traceNames = async (filter: TraceFilter): Promise<readonly string[]> =>
      (await allOf((before) => reader.traces({ ...filter, before }))).map((trace) => trace.name);
    const messages = async (filter: LogFilter): Promise<readonly string[]> =>
      (await allOf((before) => reader.logs({ ...filter, before }))).map(({ message }) => message);

    describe('over an empty database', () => {
      it('answers every list with nothing', async () => {
        expect(await reader.services(RANGE)).toEqual([]);
        expect(await reader.routes(RANGE)).toEqual([]);
        expect(await reader.routeVersions({})).toEqual([]);
        expect(await reader.starts(RANGE)).toEqual([]);
        expect(await reader.traces({})).toMatchObject({ items: [], next: undefined });
        expect(await reader.logs({})).toMatchObject({ items: [], next: undefined });
        expect(await reader.instruments(undefined)).toEqual([]);
        expect(await reader.selection(RANGE)).toEqual({ selected: 0, others: 0, attributes: [], traces: [] });
        expect(await reader.health()).toMatchObject({
          spans: 0,
          logs: 0,
          points: 0,
          oldest: undefined,
          since: undefined,
        });
      });

      it('knows no trace and no instrument', async () => {
        expect(await reader.trace(newTraceId())).toBeUndefined();
        expect(await reader.chart({ ...RANGE, instrument: 1, buckets: 4 })).toBeUndefined();
        expect((await reader.summaries([newTraceId()])).size).toBe(0);
        expect((await reader.spans([newTraceId()])).size).toBe(0);
        expect(await reader.resources(newTraceId())).toEqual({});
      });

      it('answers the overview with buckets in which nothing happened', async () => {
        const overview = await reader.overview({ ...RANGE, service: 'orders', buckets: 4 });
        expect(overview.times.length).toBeGreaterThan(0);
        expect(overview.perSecond).toEqual(overview.times.map(() => 0));
        expect(overview.p95).toEqual(overview.times.map(() => null));
        expect(overview.exemplars).toEqual([]);
      });
    });

    describe('services, overview and routes', () => {
      const requests = Array.from({ length: 100 }, (_, index) =>
        requestOf(PAST + MINUTE + index, {
          durationMs: index + 1,
          status: index >= 90 ? 'error' : 'unset',
        }),
      );
      beforeEach(() =>
        write({
          spans: [
            ...requests,
            requestOf(PAST + MINUTE, { service: 'users', route: '/users', name: 'GET /users' }),
            childOf(requests[0]!),
            childOf(requests[0]!, { kind: 'client' }),
          ],
        }),
      );

      it('count what entered, and neither calls nor inner spans', async () => {
        const services = await reader.services(RANGE);
        expect(services.map(({ name: service, count }) => [service, count])).toEqual([
          ['orders', 100],
          ['users', 1],
        ]);
        expect(services[0]).toMatchObject({ version: '1.0.0', environment: 'test', errorShare: 0.1 });
        expect(services[0]!.perSecond).toBeCloseTo(100 / 240, 1);
      });

      it('have quantiles within two percent, in milliseconds', async () => {
        const [orders] = await reader.services(RANGE);
        expect(Math.abs(orders!.p50 - 50)).toBeLessThanOrEqual(1);
        expect(Math.abs(orders!.p95 - 95)).toBeLessThanOrEqual(2);
        expect(Math.abs(orders!.p99 - 99)).toBeLessThanOrEqual(2);
      });

      it('still know a service that was not called in the range', async () => {
        const services = await reader.services({ from: PAST - 60 * MINUTE, to: PAST - 50 * MINUTE });
        expect(services.map(({ name: service, count }) => [service, count])).toEqual([
          ['orders', 0],
          ['users', 0],
        ]);
      });

      it('spread the requests of a service over time', async () => {
        const overview = await reader.overview({ ...RANGE, service: 'orders', buckets: 4 });
        const { times, perSecond, errorsPerSecond, p50, p95, p99 } = overview;
        for (const list of [perSecond, errorsPerSecond, p50, p95, p99])
          expect(list).toHaveLength(times.length);
        const width = (times[1]! - times[0]!) / SECOND;
        expect(perSecond.reduce((sum, rate) => sum + rate * width, 0)).toBeCloseTo(100);
        expect(errorsPerSecond.reduce((sum, rate) => sum + rate * width, 0)).toBeCloseTo(10);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(p50.filter((value) => value !== null)).toHaveLength(1);
      });

      it('lead from the overview to traces, failed ones among them', async () => {
        const { exemplars } = await reader.overview({ ...RANGE, service: 'orders', buckets: 4 });
        expect(exemplars.some(({ error }) => error)).toBe(true);
        for (const { traceId, spanId, value } of exemplars) {
          const trace = await reader.trace(traceId);
          expect(trace!.spans.find((span) => span.spanId === spanId)!.durationMs).toBe(value);
        }
      });

      it('add up all services where none is named, and are empty for an unknown one', async () => {
        const all = await reader.overview({ ...RANGE, buckets: 4 });
        const width = (all.times[1]! - all.times[0]!) / SECOND;
        expect(all.perSecond.reduce((sum, rate) => sum + rate * width, 0)).toBeCloseTo(101);
        const unknown = await reader.overview({ ...RANGE, service: 'unknown', buckets: 4 });
        expect(unknown.perSecond.every((rate) => rate === 0)).toBe(true);
      });

      describe('of a service whose jobs fail after the answer', () => {
        const answered = Array.from({ length: 20 }, (_, index) =>
          requestOf(PAST + 2 * MINUTE + index, { service: 'worker', route: '/jobs', durationMs: 3 }),
        );
        const jobs = answered.map((request) =>
          childOf(request, {
            name: 'process_job',
            status: 'error',
            start: request.start + 10,
            durationMs: 50,
          }),
        );
        beforeEach(async () => {
          await write({ spans: answered });
          await write({
            spans: jobs.flatMap((job) => [
              // The exception came from within, and from a call; the job is what failed.
              childOf(job, { name: 'step', status: 'error' }),
              childOf(job, { name: 'GET', kind: 'client', status: 'error' }),
              job,
            ]),
            logs: [
              ...jobs.map(({ traceId, spanId, start }) =>
                lineOf(start, { service: 'worker', level: 50, message: 'Job failed', traceId, spanId }),
              ),
              lineOf(PAST + 2 * MINUTE, { service: 'worker', level: 30 }),
              lineOf(PAST - 60 * MINUTE, { service: 'worker', level: 50 }),
            ],
          });
        });

        it('count the jobs and their error lines beside the requests, which are well', async () => {
          const services = await reader.services(RANGE);
          expect(services.find(({ name: service }) => service === 'worker')).toMatchObject({
            count: 20,
            errorShare: 0,
            failedWork: 20,
            errorLogs: 20,
          });
        });

        it('draw them over time, with dots that lead to the job', async () => {
          const overview = await reader.overview({ ...RANGE, service: 'worker', buckets: 4 });
          const width = (overview.times[1]! - overview.times[0]!) / SECOND;
          const sum = (rates: readonly number[]) => rates.reduce((total, rate) => total + rate * width, 0);
          expect(sum(overview.failedWorkPerSecond)).toBeCloseTo(20);
          expect(sum(overview.errorsPerSecond)).toBe(0);
          const red = overview.exemplars.filter(({ error }) => error);
          expect(red.length).toBeGreaterThan(0);
          expect(jobs.map(({ spanId }) => spanId)).toEqual(
            expect.arrayContaining(red.map(({ spanId }) => spanId)),
          );
        });
      });

      it('count no failed work where the request failed, nor calls that were handled', async () => {
        const failed = requestOf(PAST + MINUTE, { service: 'shop', route: '/', status: 'error' });
        const fine = requestOf(PAST + MINUTE, { service: 'shop', route: '/' });
        await write({
          spans: [
            childOf(failed, { status: 'error' }),
            failed,
            childOf(fine, { kind: 'client', status: 'error' }),
            fine,
          ],
        });
        const shop = (await reader.services(RANGE)).find(({ name: service }) => service === 'shop');
        expect(shop).toMatchObject({ count: 2, errorShare: 0.5, failedWork: 0, errorLogs: 0 });
      });

      it('list routes, most called first, of one service or of all', async () => {
        const routes = await reader.routes(RANGE);
        expect(routes.map(({ service, method, route, count }) => [service, method, route, count])).toEqual([
          ['orders', 'GET', '/orders/:id', 100],
          ['users', 'GET', '/users', 1],
        ]);
        expect(routes[0]).toMatchObject({ errorShare: 0.1 });
        expect((await reader.routes({ ...RANGE, service: 'users' })).map(({ route }) => route)).toEqual([
          '/users',
        ]);
        expect(await reader.routes({ ...RANGE, service: 'unknown' })).toEqual([]);
      });
    });

    describe('routes by version', () => {
      const ofVersion = (version: string, minute: number, durationMs: number, count: number) =>
        Array.from({ length: count }, (_, index) =>
          requestOf(PAST + minute * MINUTE + index, {
            version,
            durationMs,
            status: version === '2.0.0' && index % 2 === 0 ? 'error' : 'unset',
          }),
        );
      beforeEach(async () => {
        // In two changes, with a version that is written again: its sums are added up.
        await write({ spans: [...ofVersion('1.0.0', 0, 10, 30), ...ofVersion('2.0.0', 2, 100, 10)] });
        await write({
          spans: [
            ...ofVersion('2.0.0', 3, 100, 10),
            requestOf(PAST, { service: 'users', route: '/users', version: '7' }),
          ],
        });
      });

      it('add up what each version answered, the newest version first', async () => {
        const versions = await reader.routeVersions({ service: 'orders' });
        expect(versions).toMatchObject([
          {
            service: 'orders',
            version: '2.0.0',
            method: 'GET',
            route: '/orders/:id',
            count: 20,
            errorShare: 0.5,
          },
          {
            service: 'orders',
            version: '1.0.0',
            method: 'GET',
            route: '/orders/:id',
            count: 30,
            errorShare: 0,
          },
        ]);
        const [second, first] = versions;
        expect(second!.p95 / 100).toBeCloseTo(1, 1);
        expect(first!.p50 / 10).toBeCloseTo(1, 1);
        expect([first!.firstSeen, second!.firstSeen]).toEqual([PAST, PAST + 2 * MINUTE]);
        expect(second!.lastSeen).toBe(PAST + 3 * MINUTE + 9);
      });

      it('are of all services where none is named, and of none for an unknown one', async () => {
        const all = await reader.routeVersions({});
        expect(all.map(({ service, version }) => `${service} ${version}`).sort()).toEqual([
          'orders 1.0.0',
          'orders 2.0.0',
          'users 7',
        ]);
        expect(await reader.routeVersions({ service: 'unknown' })).toEqual([]);
      });
    });

    describe('starts of processes', () => {
      // A store may note when a process was heard of, and not the time of what it sent.
      const EVER = { from: PAST, to: PAST + 60 * MINUTE };
      beforeEach(async () => {
        const started = [
          { version: '1.0.0', instance: 'a' },
          { version: '1.0.0', instance: 'b' },
          { version: '2.0.0', instance: 'c' },
          { service: 'users', version: '7' },
        ];
        for (const [minute, more] of started.entries())
          await write({ spans: [requestOf(PAST + minute * MINUTE, more)] });
        // No start: they are known.
        await write({
          spans: [requestOf(PAST + 4 * MINUTE, started[0]), requestOf(PAST + 4 * MINUTE, started[2])],
        });
      });

      it('come in the order of time, each once, with the version that started before', async () => {
        const starts = await reader.starts({ ...EVER, service: 'orders' });
        expect(starts).toEqual([
          {
            service: 'orders',
            version: '1.0.0',
            time: expect.any(Number) as unknown,
            previousVersion: undefined,
          },
          {
            service: 'orders',
            version: '1.0.0',
            time: expect.any(Number) as unknown,
            previousVersion: '1.0.0',
          },
          {
            service: 'orders',
            version: '2.0.0',
            time: expect.any(Number) as unknown,
            previousVersion: '1.0.0',
          },
        ]);
        const times = starts.map(({ time }) => time);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      });

      it('are of all services where none is named, of none for an unknown one, and of the range', async () => {
        const all = await reader.starts(EVER);
        expect(all.map(({ service }) => service)).toEqual(['orders', 'orders', 'orders', 'users']);
        expect(await reader.starts({ ...EVER, service: 'unknown' })).toEqual([]);
        expect(await reader.starts({ from: PAST - 60 * MINUTE, to: PAST })).toEqual([]);
        const last = all.at(-1)!.time;
        expect((await reader.starts({ from: last, to: last + 1 })).at(-1)).toEqual(all.at(-1));
      });
    });

    describeOthers('traces', () => {
      const named = (text: string, second: number, more: Partial<WrittenSpan> = {}) =>
        requestOf(PAST + second * SECOND, { name: text, ...more });

      it('come newest first, page by page, each once', async () => {
        await write({ spans: Array.from({ length: 25 }, (_, index) => named(`t${index}`, index)) });
        const page = await reader.traces({ limit: 10 });
        expect(page.items).toHaveLength(10);
        expect(page.next).toBeDefined();
        // A database to which counting is dear may leave it out.
        expect([25, undefined]).toContain(page.total);
        expect((await reader.traces({ limit: 10, before: page.next })).total).toBeUndefined();
        const wanted = Array.from({ length: 25 }, (_, index) => `t${24 - index}`);
        expect(await traceNames({ limit: 10 })).toEqual(wanted);
        expect(await traceNames({ limit: 25 })).toEqual(wanted);
      });

      it('come each once where many began at the same time', async () => {
        await write({ spans: Array.from({ length: 30 }, (_, index) => named(`t${index}`, 1)) });
        const names = await traceNames({ limit: 7 });
        expect(names).toHaveLength(30);
        expect(new Set(names).size).toBe(30);
      });

      it('begin with the first page for a cursor that is none', async () => {
        await write({ spans: [named('one', 1)] });
        expect((await reader.traces({ before: 'no cursor' })).items).toHaveLength(1);
      });

      it('are found by time, of which the end is not part, and by duration', async () => {
        await write({
          spans: [named('short', 10, { durationMs: 4 }), named('long', 20, { durationMs: 400 })],
        });
        expect(await traceNames({ from: PAST + 10 * SECOND, to: PAST + 20 * SECOND })).toEqual(['short']);
        expect(await traceNames({ from: PAST + 20 * SECOND })).toEqual(['long']);
        expect(await traceNames({ minMs: 4, maxMs: 4 })).toEqual(['short']);
        expect(await traceNames({ minMs: 5 })).toEqual(['long']);
        expect(await traceNames({ maxMs: 3 })).toEqual([]);
      });

      it('are found by a service that took part, and by a route that was entered further down', async () => {
        const gateway = named('GET /', 1, { service: 'gateway', route: '/' });
        await write({
          spans: [
            gateway,
            childOf(gateway, { service: 'orders', kind: 'server', method: 'POST', route: '/orders' }),
            named('other', 2, { service: 'other', route: '/' }),
          ],
        });
        expect(await traceNames({ service: 'orders' })).toEqual(['GET /']);
        expect(await traceNames({ route: '/orders' })).toEqual(['GET /']);
        expect(await traceNames({ route: '/' })).toEqual(['other', 'GET /']);
        expect(await traceNames({ route: '/', service: 'other' })).toEqual(['other']);
        expect(await traceNames({ route: '/orders', method: 'GET' })).toEqual([]);
        expect(await traceNames({ service: 'unknown' })).toEqual([]);
        expect(await traceNames({ route: '/unknown' })).toEqual([]);
      });

      it('are found by how they ended', async () => {
        await write({
          spans: [
            named('ok', 3),
            named('missing', 2, { outcome: '404' }),
            named('broken', 1, { outcome: '503', status: 'error' }),
          ],
        });
        expect(await traceNames({ status: 'error' })).toEqual(['broken']);
        expect(await traceNames({ status: 'ok' })).toEqual(['ok', 'missing']);
        expect(await traceNames({ status: '404' })).toEqual(['missing']);
        expect(await traceNames({ status: '5xx' })).toEqual(['broken']);
        expect(await traceNames({ status: '3xx' })).toEqual([]);
      });

      it('are found by attributes that one span has, whatever their type', async () => {
        const first = named('first', 2, { attributes: { user: 'ada', count: 3, paid: true } });
        await write({
          spans: [
            first,
            childOf(first, { attributes: { item: 'book' } }),
            named('second', 1, { attributes: { user: 'bob', count: 3 } }),
          ],
        });
        const by = (...pairs: [string, string][]) =>
          traceNames({ attributes: pairs.map(([key, value]) => ({ key, value })) });
        expect(await by(['user', 'ada'])).toEqual(['first']);
        expect(await by(['count', '3'])).toEqual(['first', 'second']);
        expect(await by(['paid', 'true'])).toEqual(['first']);
        expect(await by(['count', '3'], ['user', 'bob'])).toEqual(['second']);
        expect(await by(['user', 'ada'], ['item', 'book'])).toEqual([]);
        expect(await by(['user', 'ad'])).toEqual([]);
      });

      it('are found by a service whose own span or line has the attributes', async () => {
        const attributes = { item: 'book' };
        const [first, second] = [named('first', 2), named('second', 1, { attributes })];
        const [users, stock] = ['users', 'stock'].map((service) => childOf(first, { service, attributes }));
        await write({
          spans: [first, users!, stock!, second, childOf(second, { service: 'users' })],
          logs: [lineOf(PAST, { service: 'users', traceId: second.traceId, attributes: { user: 'ada' } })],
        });
        const find = (filter: TraceFilter, ...pairs: [string, string][]) =>
          traceNames({ ...filter, attributes: pairs.map(([key, value]) => ({ key, value })) });
        expect(await find({ spanService: 'users' }, ['item', 'book'])).toEqual(['first']);
        expect(await find({ spanService: 'orders' }, ['item', 'book'])).toEqual(['second']);
        expect(await find({ spanService: 'users' }, ['user', 'ada'])).toEqual(['second']);
        expect(await find({ spanService: 'users' })).toEqual(['first', 'second']);
        expect(await find({ spanService: 'users', service: 'stock' })).toEqual(['first']);
        expect(await find({ spanService: 'users', route: '/orders/:id' }, ['item', 'book'])).toEqual([
          'first',
        ]);
      });

      it('are found by conditions on attributes; one that is not there fulfils none', async () => {
        await write({
          spans: [
            named('ok', 3, { attributes: { code: 200, path: '/Orders/7', slow: true } }),
            named('bad', 2, { attributes: { code: 500, path: '/users', text: '501' } }),
            named('none', 1, { attributes: { other: 'x' } }),
          ],
        });
        const by = async (...texts: string[]) =>
          traceNames({ attributes: texts.map((text) => parseCondition(text)!) });
        for (const [condition, names] of [
          ['code>=500', ['bad']],
          ['code > 500', []],
          ['code<500', ['ok']],
          ['code<=500', ['ok', 'bad']],
          ['code!=200', ['bad']],
          ['code = 200', ['ok']],
          ['path~orders', ['ok']],
          ['path ~ %', []],
          ['slow exists', ['ok']],
          ['code exists', ['ok', 'bad']],
          // Where all values are kept as texts, one that reads like a number is one.
          ['text>1', features.types ? [] : ['bad']],
          ['slow!=false', ['ok']],
        ] as const)
          expect([condition, await by(condition)]).toEqual([condition, names]);
        expect(await by('code>=200', 'path~USERS')).toEqual(['bad']);
      });

      it('are found by a text in a name, an attribute or a status message, in any case, and by their id', async () => {
        const span = named('Checkout', 1, { attributes: { city: 'Paris' }, statusMessage: 'Card refused' });
        await write({ spans: [span, named('other', 2)] });
        for (const text of ['checkout', 'PARIS', 'card ref', span.traceId])
          expect([text, await traceNames({ text })]).toEqual([text, ['Checkout']]);
        expect(await traceNames({ text: 'London' })).toEqual([]);
      });

      it('are found by a pasted header that holds their id, and by nothing that only looks like one', async () => {
        const span = named('Checkout', 1);
        await write({ spans: [span, named('other', 2)] });
        const value = `00-${span.traceId}-${span.spanId}-01`;
        for (const text of [
          value,
          ` ${span.traceId.toUpperCase()} `,
          `traceparent: ${value}`,
          `traceresponse: ${value}`,
          `Server-Timing: db;dur=5, traceparent;desc="${value}"`,
        ])
          expect([text, await traceNames({ text })]).toEqual([text, ['Checkout']]);
        for (const text of [`${value}0`, `0${value}`, value.slice(0, -3)])
          expect([text, await traceNames({ text })]).toEqual([text, []]);
      });

      it('are found by a field or a text that only a log line of them carries', async () => {
        const span = named('Checkout', 1);
        await write({
          spans: [span, named('other', 2)],
          logs: [
            lineOf(PAST + SECOND, {
              traceId: span.traceId,
              spanId: span.spanId,
              message: 'Card of the customer refused',
              context: 'PaymentService',
              attributes: { user_id: 'grace', attempt: 2 },
            }),
            lineOf(PAST + SECOND, { attributes: { user_id: 'ada' } }),
          ],
        });
        const by = (...pairs: [string, string][]) =>
          traceNames({ attributes: pairs.map(([key, value]) => ({ key, value })) });
        expect(await by(['user_id', 'grace'])).toEqual(['Checkout']);
        expect(await by(['user_id', 'grace'], ['attempt', '2'])).toEqual(['Checkout']);
        expect(await by(['user_id', 'ada'])).toEqual([]);
        for (const text of ['grace', 'CUSTOMER REF', 'paymentservice'])
          expect([text, await traceNames({ text })]).toEqual([text, ['Checkout']]);
        expect(
          await traceNames({ text: 'Checkout', attributes: [{ key: 'user_id', value: 'grace' }] }),
        ).toEqual(['Checkout']);
        expect(await traceNames({ text: 'ada' })).toEqual([]);
      });

      it('are partial as long as neither their root nor a span that entered a service is stored', async () => {
        const root = named('GET /', 1);
        const [inner, entered] = [childOf(root), childOf(root, { kind: 'server', service: 'users' })];
        const stateOf = async () => {
          const { summary } = (await reader.trace(root.traceId))!;
          return [summary.name, summary.state];
        };
        await write({ spans: [inner] });
        expect(await stateOf()).toEqual(['work', 'partial']);
        await write({ spans: [{ ...entered, name: 'GET /users' }] });
        expect(await stateOf()).toEqual(['GET /users', undefined]);
        await write({ spans: [root] });
        expect(await stateOf()).toEqual(['GET /', undefined]);
      });

      it('say who took part, and how many spans failed', async () => {
        const root = named('GET /', 1, { service: 'gateway', route: '/', durationMs: 40 });
        await write({ spans: [root, childOf(root, { service: 'orders', status: 'error' })] });
        const { items } = await reader.traces({});
        const wanted: Partial<TraceSummaryAnswer> = {
          traceId: root.traceId,
          name: 'GET /',
          service: 'gateway',
          route: '/',
          status: '200',
          start: root.start,
          durationMs: 40,
          spanCount: 2,
          errorCount: 1,
        };
        expect(items[0]).toMatchObject(wanted);
        expect([...items[0]!.services].sort()).toEqual(['gateway', 'orders']);
      });
    });

    describeOthers('one trace', () => {
      it('has its spans in the order of their start, and its log lines, oldest first', async () => {
        const root = requestOf(PAST, {
          attributes: { list: [1, 'two'], nested: { yes: true }, none: 1.5 },
          events: [{ name: 'exception', time: PAST + 1, attributes: { 'exception.type': 'Error' } }],
          status: 'error',
          statusMessage: 'It failed',
        });
        const inner = childOf(root, { start: PAST + 2 });
        const { traceId, spanId } = root;
        await write({
          spans: [inner, root],
          logs: [
            lineOf(PAST + 3, { traceId, spanId, message: 'second' }),
            lineOf(PAST + 1, { traceId, spanId, message: 'first', level: 50, context: 'Orders' }),
            lineOf(PAST + 2, { message: 'of another' }),
          ],
        });
        const trace = await reader.trace(traceId);
        expect(trace!.spans.map((span) => span.spanId)).toEqual([root.spanId, inner.spanId]);
        expect(trace!.spans[0]).toMatchObject({
          traceId,
          parentSpanId: undefined,
          service: 'orders',
          scope: 'test',
          kind: 'server',
          start: PAST,
          durationMs: 5,
          status: 'error',
          statusMessage: 'It failed',
          attributes: root.attributes,
          events: root.events,
          links: [],
        });
        expect(trace!.spans[1]!.parentSpanId).toBe(spanId);
        expect(trace!.summary.traceId).toBe(traceId);
        expect(trace!.logs.map(({ message }) => message)).toEqual(['first', 'second']);
        expect(trace!.logs[0]).toMatchObject({
          level: 'error',
          context: 'Orders',
          spanId,
          service: 'orders',
        });
      });

      it('is undefined for an id that is unknown, or no id at all', async () => {
        await write({ spans: [requestOf(PAST)] });
        for (const id of [newTraceId(), '', 'x', "'", 'f'.repeat(33)])
          expect(await reader.trace(id)).toBeUndefined();
      });

      it('is among the summaries and spans that are asked for by ids, unknown ones left out', async () => {
        const [one, two] = [requestOf(PAST), requestOf(PAST + 1)];
        await write({ spans: [one, two, childOf(two)] });
        const ids = [one.traceId, newTraceId(), two.traceId];
        const summaries = await reader.summaries(ids);
        expect([...summaries.keys()].sort()).toEqual([one.traceId, two.traceId].sort());
        expect(summaries.get(two.traceId)!.spanCount).toBe(2);
        const spans = await reader.spans(ids);
        expect([...spans.keys()].sort()).toEqual([one.traceId, two.traceId].sort());
        expect(spans.get(two.traceId)!.map(({ start }) => start)).toEqual([PAST + 1, PAST + 2]);
        expect((await reader.spans([])).size).toBe(0);
      });

      it('has the resources of the services that took part', async () => {
        const root = requestOf(PAST);
        await write({ spans: [root, childOf(root, { service: 'users' })] });
        const resources = await reader.resources(root.traceId);
        expect(resources).toMatchObject({
          orders: { 'service.name': 'orders' },
          users: { 'service.name': 'users' },
        });
        expect(Object.keys(resources)).toHaveLength(2);
      });
    });

    describe('log lines', () => {
      it('come newest first, page by page, each once', async () => {
        await write({
          logs: Array.from({ length: 25 }, (_, index) =>
            lineOf(PAST + Math.floor(index / 2), { message: `m${index}` }),
          ),
        });
        const found = await messages({ limit: 10 });
        expect(new Set(found).size).toBe(25);
        const times = found.map((message) => Math.floor(Number(message.slice(1)) / 2));
        expect(times).toEqual([...times].sort((a, b) => b - a));
      });

      it('are found by service, level and above, class, time, trace and span', async () => {
        const { traceId, spanId } = requestOf(PAST);
        await write({
          logs: [
            lineOf(PAST, { message: 'debug', level: 20 }),
            lineOf(PAST + 1, { message: 'warn', level: 40, context: 'Orders' }),
            lineOf(PAST + 2, { message: 'fatal', level: 60, traceId, spanId }),
            lineOf(PAST + 3, { message: 'foreign', service: 'users' }),
          ],
        });
        expect(await messages({ level: 'warn' })).toEqual(['fatal', 'warn']);
        expect(await messages({ service: 'users' })).toEqual(['foreign']);
        expect(await messages({ service: 'unknown' })).toEqual([]);
        expect(await messages({ context: 'Orders' })).toEqual(['warn']);
        expect(await messages({ from: PAST + 1, to: PAST + 3 })).toEqual(['fatal', 'warn']);
        expect(await messages({ traceId })).toEqual(['fatal']);
        expect(await messages({ traceId, spanId: 'c'.repeat(16) })).toEqual([]);
        expect(await messages({ traceId: newTraceId() })).toEqual([]);
      });

      it('are found by words of the message, the class or the fields, and by fields', async () => {
        await write({
          logs: [
            lineOf(PAST, {
              message: 'Stock reserved',
              context: 'StockService',
              attributes: { sku: 'book', n: 3 },
            }),
            lineOf(PAST + 1, { message: 'Payment refused', attributes: { sku: 'pen' } }),
          ],
        });
        for (const text of ['stock', 'reserved stock', 'reser', 'book', 'STOCKSERVICE'])
          expect([text, await messages({ text })]).toEqual([text, ['Stock reserved']]);
        expect(await messages({ text: 'stock refused' })).toEqual([]);
        expect(await messages({ fields: [{ key: 'sku', value: 'pen' }] })).toEqual(['Payment refused']);
        expect(await messages({ fields: [{ key: 'n', value: '3' }] })).toEqual(['Stock reserved']);
        expect(await messages({ fields: [parseCondition('n>2')!] })).toEqual(['Stock reserved']);
        expect(await messages({ fields: [parseCondition('sku != book')!] })).toEqual(['Payment refused']);
        expect(await messages({ fields: [{ key: 'sku', value: 'cup' }] })).toEqual([]);
      });

      it('are counted over time by level, of all services or one, of all levels or one and above', async () => {
        await write({
          logs: [
            lineOf(PAST - 1, { level: 50 }),
            lineOf(PAST, { level: 30 }),
            lineOf(PAST, { level: 30, service: 'users' }),
            lineOf(PAST + MINUTE - 1, { level: 35 }),
            lineOf(PAST + 3 * MINUTE, { level: 50 }),
            lineOf(RANGE.to, { level: 50 }),
          ],
        });
        const ask = async (more: Partial<LogVolumeFilter> = {}) => {
          const { times, counts } = await reader.logVolume({ ...RANGE, buckets: 4, ...more });
          expect(times).toEqual([0, 1, 2, 3].map((minute) => PAST + minute * MINUTE));
          return counts;
        };
        expect(await ask()).toEqual({ info: [3, 0, 0, 0], error: [0, 0, 0, 1] });
        expect(await ask({ service: 'users' })).toEqual({ info: [1, 0, 0, 0] });
        expect(await ask({ service: 'unknown' })).toEqual({});
        expect(await ask({ level: 'warn' })).toEqual({ error: [0, 0, 0, 1] });
      });
    });

    describeErrors(() => reader, write, PAST);
    describeWeights(() => reader, write, PAST);
    describeRouteQuestions(() => reader, write, PAST);
    if (!features.countsOnly) {
      describeOperations(() => reader, write, PAST);
      describeProcesses(() => reader, write, PAST);
      describeProcessHealth(() => reader, write, PAST);
      describeServiceMap(() => reader, write, PAST);
    }

    describeOthers('metrics', () => {
      const pointOf = (second: number, value: number, more: Partial<WrittenPoint> = {}): WrittenPoint => ({
        service: 'orders',
        name: 'orders_total',
        type: 'counter',
        unit: '1',
        attributes: {},
        time: PAST + second * SECOND,
        value,
        ...more,
      });
      const chartOf = async (more: { group?: string; filters?: { key: string; value: string }[] } = {}) => {
        const [instrument] = await reader.instruments(undefined);
        return reader.chart({ ...RANGE, instrument: instrument!.id, buckets: 4, ...more });
      };

      it('list instruments by service and name, with the values of their attributes', async () => {
        await write({
          points: [
            pointOf(1, 1, { service: 'users', name: 'b', type: 'gauge', unit: 's' }),
            pointOf(1, 1, { attributes: { code: '200' } }),
            pointOf(1, 1, { attributes: { code: '404' } }),
          ],
        });
        const instruments = await reader.instruments(undefined);
        expect(instruments).toMatchObject([
          {
            service: 'orders',
            name: 'orders_total',
            type: 'counter',
            unit: '1',
            attributes: { code: ['200', '404'] },
          },
          { service: 'users', name: 'b', type: 'gauge', unit: 's', attributes: {} },
        ]);
        expect(instruments.every(({ id }) => Number.isSafeInteger(id) && id >= 0)).toBe(true);
        expect((await reader.instruments('users')).map(({ name: instrument }) => instrument)).toEqual(['b']);
        expect(await reader.instruments('unknown')).toEqual([]);
      });

      it('draw a counter as a rate per second, filtered and by attribute', async () => {
        await write({
          points: [
            pointOf(10, 60, { attributes: { code: '200' } }),
            pointOf(20, 60, { attributes: { code: '404' } }),
            pointOf(70, 30, { attributes: { code: '200' } }),
          ],
        });
        const all = await chartOf();
        expect(all!.times).toEqual([0, 1, 2, 3].map((minute) => PAST + minute * MINUTE));
        expect(all!.series).toEqual([{ label: '', values: [2, 0.5, 0, 0] }]);
        const filtered = await chartOf({ filters: [{ key: 'code', value: '404' }] });
        expect(filtered!.series).toEqual([{ label: '', values: [1, 0, 0, 0] }]);
        const grouped = await chartOf({ group: 'code' });
        expect(grouped!.series).toEqual([
          { label: '200', values: [1, 0.5, 0, 0] },
          { label: '404', values: [1, 0, 0, 0] },
        ]);
      });

      it('draw a histogram as three quantiles', async () => {
        await write({
          points: [
            pointOf(10, 42, { type: 'histogram', boundaries: [0.1, 0.2, 0.4], counts: [50, 45, 5, 0] }),
          ],
        });
        const { series } = (await chartOf())!;
        expect(series.map(({ label }) => label)).toEqual(['p50', 'p95', 'p99']);
        const [p50, p95, p99] = series.map(({ values }) => values[0]!);
        expect(p50).toBeCloseTo(0.1);
        expect(p95).toBeCloseTo(0.2);
        expect(p99).toBeGreaterThan(0.2);
        expect(p99).toBeLessThanOrEqual(0.4);
      });

      it('draw no quantile above the highest value or below the lowest, and say between what it lies', async () => {
        // 90 took 100 ms, 7 took 1.53 s and 3 took 3.04 s; boundaries as those of HTTP.
        const boundaries = [0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5];
        const counts = [0, 90, 0, 0, 0, 0, 7, 3, 0];
        await write({
          points: [pointOf(10, 28.83, { type: 'histogram', boundaries, counts, min: 0.09, max: 3.04 })],
        });
        const [p50, p95, p99] = (await chartOf())!.series.map(({ values, min, max }) => ({
          value: values[0]!,
          min: min![0]!,
          max: max![0]!,
        }));
        expect(p50!.min).toBeGreaterThanOrEqual(0.09);
        expect(p99!.max).toBe(3.04);
        for (const [level, truth] of [
          [p50!, 0.1],
          [p95!, 1.53],
          [p99!, 3.04],
        ] as const) {
          expect(level.min).toBeLessThanOrEqual(truth);
          expect(level.max).toBeGreaterThanOrEqual(truth);
          expect(level.value).toBeGreaterThanOrEqual(level.min);
          expect(level.value).toBeLessThanOrEqual(level.max);
        }
      });

      it('draw what lies above the last boundary as no more than the highest value', async () => {
        await write({
          points: [
            pointOf(10, 90, { type: 'histogram', boundaries: [1], counts: [0, 10], min: 8, max: 9.5 }),
          ],
        });
        for (const { values } of (await chartOf())!.series) {
          expect(values[0]).toBeGreaterThanOrEqual(8);
          expect(values[0]).toBeLessThanOrEqual(9.5);
        }
      });

      it('keep the extremes of a gauge in each bucket, also where a bucket is long', async () => {
        const day = 24 * 60 * MINUTE;
        const range = { from: PAST - day, to: PAST + 2 * MINUTE };
        const delays = (name: string) =>
          Array.from({ length: 24 }, (_, index) =>
            pointOf(index * 5, index === 7 ? 3 : 0.02, { name, type: 'gauge', unit: 's' }),
          );
        await write({ points: [...delays('delay.max'), ...delays('delay.mean'), ...delays('delay.min')] });
        const charts = new Map<string, ChartSeries>();
        for (const { id, name } of await reader.instruments(undefined)) {
          const chart = await reader.chart({ ...range, instrument: id, buckets: 60 });
          charts.set(name, chart!.series[0]!);
        }
        const highest = (list: readonly (number | null)[] | undefined) =>
          Math.max(...(list ?? []).map((value) => value ?? 0));
        // A freeze of 3 s is seen over 24 hours, and by the line itself where that is its name.
        expect(highest(charts.get('delay.mean')!.max)).toBe(3);
        expect(highest(charts.get('delay.mean')!.values)).toBeLessThan(1);
        expect(highest(charts.get('delay.max')!.values)).toBe(3);
        expect(highest(charts.get('delay.min')!.values)).toBe(0.02);
        expect(highest(charts.get('delay.mean')!.min)).toBe(0.02);
      });

      it('draw a gauge as its value', async () => {
        await write({ points: [pointOf(10, 7, { type: 'gauge' })] });
        expect((await chartOf())!.series[0]!.values[0]).toBe(7);
      });

      it('know no instrument of an unknown id', async () => {
        await write({ points: [pointOf(1, 1)] });
        const [instrument] = await reader.instruments(undefined);
        for (const id of [instrument!.id + 1, Number.MAX_SAFE_INTEGER])
          expect(await reader.chart({ ...RANGE, instrument: id, buckets: 4 })).toBeUndefined();
      });
    });

    it('says what the traces of a region have more often than the others', async () => {
      await write({
        spans: Array.from({ length: 20 }, (_, index) =>
          requestOf(PAST + index * SECOND, {
            durationMs: index < 10 ? 500 : 5,
            attributes: { plan: index < 9 ? 'free' : 'paid', region: 'eu' },
          }),
        ),
      });
      const answer = await reader.selection({
        ...RANGE,
        service: 'orders',
        route: '/orders/:id',
        minMs: 100,
      });
      expect(answer).toMatchObject({ selected: 10, others: 10 });
      expect(answer.attributes[0]).toEqual({
        key: 'plan',
        value: 'free',
        selectedShare: 0.9,
        otherShare: 0,
        alike: [],
      });
      expect(answer.attributes.map(({ key }) => key)).not.toContain('region');
      expect(answer.traces).toHaveLength(10);
    });

    it('says of a region what has support, once for what comes together, and the same again', async () => {
      await write({
        spans: Array.from({ length: 600 }, (_, index) => {
          const slow = index % 2 === 0;
          return requestOf(PAST + index * 100, {
            durationMs: slow ? 500 : 5,
            attributes: {
              // The same traces have both.
              plan: slow ? 'free' : 'paid',
              'plan.limit': slow ? 10 : 1_000,
              // In the region as often as elsewhere, but for one or two.
              shard: index % 7 === 0 ? 'one' : 'other',
              ...(index === 8 && { id: 'of one trace' }),
            },
          });
        }),
      });
      const ask = () => reader.selection({ ...RANGE, service: 'orders', route: '/orders/:id', minMs: 100 });
      const answer = await ask();
      expect(answer.attributes).toMatchObject([{ selectedShare: 1, otherShare: 0 }]);
      const [{ key, alike }] = answer.attributes as [(typeof answer.attributes)[number]];
      expect([key, ...alike.map((one) => one.key)].sort()).toEqual(['plan', 'plan.limit']);
      for (let times = 0; times < 3; times += 1) expect(await ask()).toEqual(answer);
    });

    it('counts what it has, and says since when', async () => {
      await write({ spans: [requestOf(PAST)], logs: [lineOf(PAST - SECOND), lineOf(PAST)] });
      const health = await reader.health();
      expect(health).toMatchObject({ spans: 1, logs: 2, points: 0, oldest: PAST - SECOND });
      expect(health.since!).toBeLessThanOrEqual(PAST - SECOND);
    });

    it(`has ${features.live ? 'a' : 'no'} live feed, as it says`, () => {
      expect(reader.live !== undefined).toBe(features.live);
    });

    if (features.live)
      it('feeds what was stored after a position', async () => {
        const live = reader.live!;
        await write({ spans: [requestOf(PAST, { name: 'before' })] });
        const first = await live.news(undefined);
        expect([first.traces, first.logs]).toEqual([[], []]);
        await write({
          spans: [requestOf(PAST + 1, { name: 'one' }), requestOf(PAST + 2, { name: 'two' })],
          logs: [lineOf(PAST, { message: 'line' })],
        });
        const news = await live.news(first.position);
        expect(news.traces.map((trace) => trace.name)).toEqual(['one', 'two']);
        expect(news.logs.map(({ message }) => message)).toEqual(['line']);
        const none = await live.news(news.position);
        expect([none.traces, none.logs]).toEqual([[], []]);
        expect((await live.news('no position')).traces).toEqual([]);
      });

    describeOthers('a signal', () => {
      it.each(Object.entries(QUESTIONS))(
        'that is aborted already ends %s with its reason',
        async (_name, ask) => {
          const reason = new Error('left');
          await expect(ask(reader, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        },
      );

      it.each(Object.entries(QUESTIONS))('ends %s while it is being answered', async (_name, ask) => {
        await write({ spans: [requestOf(PAST)] });
        const abort = new AbortController();
        const answer = ask(reader, { signal: abort.signal });
        const reason = new Error('left');
        abort.abort(reason);
        await expect(answer).rejects.toBe(reason);
        await expect(ask(reader, {})).resolves.not.toThrow();
      });
    });

    describeOthers('hostile texts', () => {
      it('are values and never part of a query, in every filter', async () => {
        await write({
          spans: [requestOf(PAST)],
          logs: [lineOf(PAST)],
          points: [
            { service: 'orders', name: 'n', type: 'counter', unit: '', attributes: {}, time: PAST, value: 1 },
          ],
        });
        const { id } = (await reader.instruments(undefined))[0]!;
        for (const text of HOSTILE) {
          const field = { key: text, value: text };
          const empty: readonly unknown[] = [
            (await reader.traces({ service: text })).items,
            (await reader.traces({ spanService: text })).items,
            (await reader.serviceMap({ ...RANGE, service: text })).nodes,
            (await reader.traces({ route: text })).items,
            (await reader.traces({ method: text })).items,
            (await reader.traces({ status: text })).items,
            (await reader.traces({ attributes: [field] })).items,
            ...(
              await Promise.all(
                FIELD_OPERATORS.map(async (operator) => {
                  const fields = [{ ...field, operator }];
                  return [
                    (await reader.traces({ attributes: fields })).items,
                    (await reader.logs({ fields })).items,
                  ];
                }),
              )
            ).flat(),
            (await reader.logs({ service: text })).items,
            (await reader.logs({ context: text })).items,
            (await reader.logs({ fields: [field] })).items,
            (await reader.logs({ traceId: text })).items,
            (await reader.logs({ spanId: text })).items,
            await reader.routes({ ...RANGE, service: text }),
            (await reader.errors({ ...RANGE, buckets: 2, service: text })).errors,
            await reader.instruments(text),
            (await reader.selection({ ...RANGE, service: text })).traces,
            (await reader.chart({ ...RANGE, instrument: id, buckets: 2, filters: [field] }))!.series,
          ];
          expect([text, empty]).toEqual([text, empty.map(() => [])]);
          // What a search finds is up to the store; it must not fail.
          await reader.traces({ text, before: text });
          await reader.logs({ text, before: text });
          await reader.chart({ ...RANGE, instrument: id, buckets: 2, group: text });
          expect(await reader.trace(text)).toBeUndefined();
          expect((await reader.errors({ ...RANGE, buckets: 2, text })).errors).toEqual([]);
          const named = { ...RANGE, buckets: 2, service: text, fingerprint: text };
          expect(await reader.error(named)).toBeUndefined();
        }
        expect((await reader.traces({})).items).toHaveLength(1);
      });

      it('are found and come back as they were written', async () => {
        // A lone surrogate and NUL do not survive every encoding.
        const texts = HOSTILE.filter((text) => text.isWellFormed() && !text.includes('\u0000'));
        await write({
          spans: texts.map((text, index) =>
            requestOf(PAST + index, {
              name: text,
              // What entered has attributes of its own.
              kind: 'internal',
              attributes: { [text]: text },
              statusMessage: text,
            }),
          ),
        });
        for (const text of texts) {
          const { items } = await reader.traces({ attributes: [{ key: text, value: text }] });
          expect(items.map((trace) => trace.name)).toEqual([text]);
          const { spans } = (await reader.trace(items[0]!.traceId))!;
          expect(spans[0]!.statusMessage).toBe(text);
          expect(Object.entries(spans[0]!.attributes)).toEqual([[text, text]]);
        }
      });
    });

    it('answers many questions side by side as one after the other', async () => {
      await write({ spans: Array.from({ length: 50 }, (_, index) => requestOf(PAST + index)) });
      const pages = await Promise.all(
        Array.from({ length: 20 }, (_, index) => reader.traces({ limit: index + 1 })),
      );
      const { items } = await reader.traces({ limit: 20 });
      for (const [index, page] of pages.entries()) expect(page.items).toEqual(items.slice(0, index + 1));
    });
  });
  describeProcessChoice(name, create);
}
