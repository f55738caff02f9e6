import {
  type ErrorFilter,
  type TelemetryReader,
} from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { childOf, lineOf, requestOf, type Telemetry, type WrittenSpan } from './telemetry.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** `what` fails within `GET /orders/:id`, and the request with it: the exception was recorded inside. */
function failureOf(
  start: number,
  fingerprint: string,
  more: Partial<WrittenSpan> = {},
): readonly WrittenSpan[] {
  const attributes = { 'exception.fingerprint': fingerprint, 'error.type': 'StockError' };
  const request = requestOf(start, { status: 'error', outcome: '500', attributes, ...more });
  const inner = childOf(request, {
    status: 'error',
    attributes,
    events: [
      {
        name: 'exception',
        time: start + 2,
        attributes: {
          'exception.type': 'StockError',
          'exception.message': `No stock (${fingerprint})`,
          'exception.stacktrace': `StockError: No stock\n    at find (/app/stock.js:1:1)`,
          'exception.fingerprint': fingerprint,
        },
      },
    ],
    ...(more.version !== undefined && { version: more.version }),
  });
  // As they end.
  return [inner, request];
}

/** Holds `errors()` and `error()` to their promises. @param past the begin of a minute that is over */
export function describeErrors(
  readerOf: () => TelemetryReader,
  write: (telemetry: Telemetry) => Promise<void>,
  past: number,
): void {
  const range = { from: past, to: past + 4 * MINUTE, buckets: 4 };
  const find = async (filter: Partial<ErrorFilter> = {}) => readerOf().errors({ ...range, ...filter });
  const fingerprints = async (filter: Partial<ErrorFilter> = {}) =>
    (await find(filter)).errors.map(({ fingerprint }) => fingerprint);

  describe('errors', () => {
    it('are none over an empty database', async () => {
      const { times, ...answer } = await find();
      expect(answer).toEqual({ errors: [], states: { new: 0, back: 0, known: 0, gone: 0 } });
      expect(times.length).toBeGreaterThan(0);
      expect(await readerOf().error({ ...range, service: 'orders', fingerprint: 'f' })).toBeUndefined();
    });

    it('are those of a route, whichever fails with them most often', async () => {
      const byOther = { method: 'POST', route: '/orders', name: 'POST /orders' };
      await write({
        spans: [
          ...failureOf(past + 5, 'a'),
          ...failureOf(past + 6, 'a'),
          ...failureOf(past + 7, 'a', byOther),
          ...failureOf(past + 8, 'b'),
        ],
      });
      expect(await fingerprints({ route: 'POST /orders' })).toEqual(['a']);
      expect((await fingerprints({ route: 'GET /orders/:id' })).sort()).toEqual(['a', 'b']);
      expect(await find({ route: 'GET /unknown' })).toMatchObject({
        errors: [],
        states: { new: 0, back: 0, known: 0, gone: 0 },
      });
    });

    it('count once where they were recorded first, and belong to the route that failed', async () => {
      const failures = [
        failureOf(past + 5, 'a'),
        failureOf(past + 65_000, 'a'),
        failureOf(past + 70_000, 'b'),
      ];
      await write({ spans: [...failures.flat(), requestOf(past)] });
      const { times, errors, states } = await find();
      expect(states).toEqual({ new: 2, back: 0, known: 0, gone: 0 });
      expect(errors.map(({ fingerprint, count }) => [fingerprint, count])).toEqual([
        ['b', 1],
        ['a', 2],
      ]);
      const [, error] = errors;
      expect(error).toMatchObject({
        service: 'orders',
        type: 'StockError',
        message: 'No stock (a)',
        state: 'new',
        total: 2,
        firstVersion: '1.0.0',
        lastVersion: '1.0.0',
        route: 'GET /orders/:id',
        sample: { traceId: failures[1]![0]!.traceId, spanId: failures[1]![0]!.spanId },
      });
      expect(error!.counts).toHaveLength(times.length);
      expect(error!.counts.reduce((a, b) => a + b)).toBe(2);
      expect(error!.lastSeen - error!.firstSeen).toBe(65_000 - 5);
    });

    it('name the users whose requests failed with it, the last first, by the hash before the id', async () => {
      const of = (start: number, user: Readonly<Record<string, string>>) => {
        const [inner, request] = failureOf(start, 'a');
        return [inner!, { ...request!, attributes: { ...request!.attributes, ...user } }];
      };
      await write({
        spans: [
          ...of(past, { 'user.hash': 'ada' }),
          ...of(past + 10, { 'user.hash': 'ada', 'user.id': 'plain' }),
          ...of(past + 20, { 'user.id': 'grace' }),
          ...of(past + 30, {}),
          ...failureOf(past + 40, 'b'),
          requestOf(past + 50, { attributes: { 'user.id': 'unaffected' } }),
        ],
      });
      const { errors } = await find();
      expect(errors.map(({ fingerprint, users }) => [fingerprint, users]).sort()).toEqual([
        ['a', 2],
        ['b', 0],
      ]);
      const error = await readerOf().error({ ...range, service: 'orders', fingerprint: 'a' });
      expect(error!.affectedUsers.map(({ value, count }) => [value, count])).toEqual([
        ['grace', 1],
        ['ada', 2],
      ]);
    });

    it('that an SDK records on each span they pass count once, and those of different services for each', async () => {
      const [inner, request] = failureOf(past, 'a');
      const other = failureOf(past, 'a', { service: 'users' });
      await write({ spans: [{ ...inner!, events: [] }, { ...request!, events: inner!.events }, ...other] });
      const { errors } = await find();
      expect(errors.map(({ service, count }) => [service, count]).sort()).toEqual([
        ['orders', 1],
        ['users', 1],
      ]);
    });

    it('are failed spans without an exception, but neither calls nor those around a failed span', async () => {
      const failed = { status: 'error', statusMessage: 'Unavailable' } as const;
      const request = requestOf(past, { ...failed, attributes: { 'error.type': '503' } });
      const outer = childOf(request, failed);
      const inner = childOf(outer, { ...failed, name: 'inner' });
      await write({ spans: [childOf(inner, { ...failed, kind: 'client' }), inner, outer, request] });
      await write({ spans: [requestOf(past, { ...failed, attributes: { 'error.type': '503' } })] });
      const { errors } = await find();
      expect(errors.map(({ type, message, count }) => [type, message, count]).sort()).toEqual([
        ['503', 'Unavailable', 1],
        ['Error', 'Unavailable', 1],
      ]);
    });

    it('are log lines of level error outside of traces, by their exception or what they say', async () => {
      const exception = {
        'exception.type': 'TypeError',
        'exception.message': 'no id',
        'exception.stacktrace': 'TypeError: no id\n    at read (/app/read.js:2:3)',
      };
      await write({
        logs: [
          lineOf(past, { level: 50, message: 'Failed', attributes: exception }),
          lineOf(past + 1, { level: 60, message: 'Disk full', context: 'Backup' }),
          lineOf(past, { level: 40, message: 'Slow' }),
          lineOf(past, { level: 50, message: 'In a trace', traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }),
        ],
      });
      const { errors } = await find();
      expect(errors.map(({ type, message, sample }) => [type, message, sample])).toEqual([
        ['Backup', 'Disk full', undefined],
        ['TypeError', 'no id', undefined],
      ]);
      const { fingerprint } = errors[1]!;
      const error = await readerOf().error({ ...range, service: 'orders', fingerprint });
      expect(error).toMatchObject({
        stack: exception['exception.stacktrace'],
        routes: [],
        samples: [{ time: past, traceId: undefined, spanId: undefined }],
      });
    });

    it('are new, known, back or gone, compared with the time before', async () => {
      await write({
        spans: [
          ...failureOf(past - 30 * MINUTE, 'known'),
          ...failureOf(past - 30 * MINUTE, 'gone'),
          ...failureOf(past - 2 * HOUR, 'back'),
          ...['known', 'back', 'new'].flatMap((name, index) => failureOf(past + index, name)),
        ],
      });
      const { errors, states } = await find({ order: 'state' });
      expect(errors.map(({ fingerprint, state }) => [fingerprint, state])).toEqual([
        ['new', 'new'],
        ['back', 'back'],
        ['known', 'known'],
        ['gone', 'gone'],
      ]);
      expect(errors.map(({ count, total }) => [count, total])).toEqual([
        [1, 1],
        [1, 2],
        [1, 2],
        [0, 1],
      ]);
      expect(states).toEqual({ new: 1, back: 1, known: 1, gone: 1 });
    });

    it('are new as long as the version runs in which they began, unless it is the first', async () => {
      await write({
        spans: [
          ...failureOf(past - 40 * MINUTE, 'old', { version: '1.0.0' }),
          ...failureOf(past - 30 * MINUTE, 'fresh', { version: '2.0.0' }),
          ...failureOf(past + 1, 'old', { version: '2.0.0' }),
          ...failureOf(past + 2, 'fresh', { version: '2.0.0' }),
        ],
      });
      const { errors } = await find();
      expect(
        errors.map(({ fingerprint, state, firstVersion, lastVersion }) => ({
          fingerprint,
          state,
          firstVersion,
          lastVersion,
        })),
      ).toEqual([
        { fingerprint: 'fresh', state: 'new', firstVersion: '2.0.0', lastVersion: '2.0.0' },
        { fingerprint: 'old', state: 'known', firstVersion: '1.0.0', lastVersion: '2.0.0' },
      ]);
    });

    it('are filtered, ordered and cut', async () => {
      await write({
        spans: [
          ...failureOf(past + 1, 'one'),
          ...failureOf(past + 2, 'two'),
          ...failureOf(past + 3, 'one'),
          ...failureOf(past + 4, 'three', { service: 'users' }),
          ...failureOf(past - 30 * MINUTE, 'gone'),
        ],
      });
      expect(await fingerprints()).toEqual(['three', 'one', 'two', 'gone']);
      expect(await fingerprints({ order: 'firstSeen' })).toEqual(['three', 'two', 'one', 'gone']);
      expect((await fingerprints({ order: 'count' }))[0]).toBe('one');
      expect(await fingerprints({ service: 'users' })).toEqual(['three']);
      expect(await fingerprints({ service: 'nobody' })).toEqual([]);
      expect(await fingerprints({ state: 'gone' })).toEqual(['gone']);
      expect(await fingerprints({ text: 'STOCK (TW' })).toEqual(['two']);
      expect(await fingerprints({ text: '%' })).toEqual([]);
      expect(await fingerprints({ limit: 1 })).toEqual(['three']);
      expect((await find({ limit: 1, state: 'gone' })).states).toEqual({
        new: 3,
        back: 0,
        known: 0,
        gone: 1,
      });
    });

    it('have versions, routes, a stack and samples', async () => {
      const first = failureOf(past + 1, 'a', { version: '1.0.0' });
      const second = failureOf(past + 2, 'a', { version: '2.0.0', route: '/users', method: 'POST' });
      const third = failureOf(past + 3, 'a', { version: '2.0.0', route: '/users', method: 'POST' });
      await write({ spans: [...first, ...second, ...third] });
      const error = (await readerOf().error({ ...range, service: 'orders', fingerprint: 'a' }))!;
      expect(error.versions.map(({ value, count }) => [value, count])).toEqual([
        ['2.0.0', 2],
        ['1.0.0', 1],
      ]);
      expect(error.routes.map(({ value, count }) => [value, count])).toEqual([
        ['POST /users', 2],
        ['GET /orders/:id', 1],
      ]);
      expect(error.stack).toContain('at find (/app/stock.js:1:1)');
      expect(error.samples.map(({ traceId, spanId }) => [traceId, spanId])).toEqual(
        [third, second, first].map(([inner]) => [inner!.traceId, inner!.spanId]),
      );
      expect(error).toMatchObject({ state: 'new', count: 3, total: 3, message: 'No stock (a)' });
      expect(await readerOf().error({ ...range, service: 'users', fingerprint: 'a' })).toBeUndefined();
    });
  });
}
