import {
  type OperationFilter,
  type TelemetryReader,
} from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { childOf, requestOf, type Telemetry } from './telemetry.js';

const MINUTE = 60_000;

/** Holds `operations()` to its promises. @param past the begin of a minute that is over */
export function describeOperations(
  readerOf: () => TelemetryReader,
  write: (telemetry: Telemetry) => Promise<void>,
  past: number,
): void {
  const range = { from: past, to: past + 4 * MINUTE };
  const find = (filter: Partial<OperationFilter> = {}) => readerOf().operations({ ...range, ...filter });
  const names = async (filter: Partial<OperationFilter> = {}) =>
    (await find(filter)).operations.map(({ name }) => name);

  describe('operations', () => {
    const select = (value: string) => ({ 'db.system.name': 'postgresql', 'db.query.summary': value });

    /** 100 ms, of which a method takes 60, and of these two statements at once 30. */
    const order = (start: number, failed = false) => {
      const request = requestOf(start, { durationMs: 100 });
      const method = childOf(request, { name: 'Orders.find', start: start + 10, durationMs: 60 });
      const query = { name: 'SELECT', kind: 'client' as const, durationMs: 20 };
      return [
        childOf(method, { ...query, start: start + 20, attributes: select('SELECT orders') }),
        childOf(method, {
          ...query,
          start: start + 30,
          attributes: select('SELECT orders'),
          status: failed ? 'error' : 'unset',
        }),
        method,
        request,
      ] as const;
    };

    it('are none over an empty database, nor of a service that is not known', async () => {
      const none = {
        operations: [],
        total: 0,
        traces: 0,
        spans: 0,
        since: range.from,
        complete: true,
      };
      expect(await find()).toEqual(none);
      await write({ spans: order(past) });
      expect(await find({ service: 'unknown' })).toEqual(none);
      expect(await find({ from: past - 2 * MINUTE, to: past })).toMatchObject({ operations: [], traces: 0 });
    });

    it('add up over traces, by their self time', async () => {
      // In two changes: the children may be stored before their parent.
      await write({ spans: [...order(past).slice(0, 2), ...order(past + MINUTE)] });
      await write({ spans: order(past + 2 * MINUTE, true) });
      const answer = await find({ from: past + MINUTE });
      expect(answer).toMatchObject({ total: 3, traces: 2, spans: 8, complete: true });
      expect(answer.operations).toMatchObject([
        { kind: 'request', name: 'GET /orders/:id', count: 2, errors: 0, selfMs: 80, totalMs: 200 },
        {
          kind: 'statement',
          name: 'SELECT orders',
          target: 'postgresql',
          attribute: { key: 'db.query.summary', value: 'SELECT orders' },
          count: 4,
          errors: 1,
          selfMs: 80,
          p95: 20,
          perTrace: 2,
        },
        { kind: 'method', name: 'Orders.find', service: 'orders', count: 2, selfMs: 60, totalMs: 120 },
      ]);
    });

    it('know a statement without a summary by its operation, whatever key it names', async () => {
      const command = (start: number, key: string) =>
        requestOf(start, {
          name: 'redis.get',
          kind: 'client',
          attributes: {
            'db.system.name': 'redis',
            'db.operation.name': 'GET',
            'db.query.text': `GET ${key}`,
          },
        });
      await write({ spans: [command(past, 'user:1'), command(past + 1, 'user:2')] });
      expect((await find()).operations).toMatchObject([
        {
          kind: 'statement',
          name: 'GET',
          target: 'redis',
          attribute: { key: 'db.operation.name', value: 'GET' },
          count: 2,
        },
      ]);
    });

    it('do not count a child beyond the end of its parent, and a call until it is answered', async () => {
      const request = requestOf(past, { durationMs: 10 });
      const call = childOf(request, { kind: 'client', name: 'GET', start: past + 2, durationMs: 6 });
      const answered = requestOf(past + 4, {
        traceId: request.traceId,
        parentSpanId: call.spanId,
        service: 'users',
        name: 'GET /users',
        durationMs: 3,
      });
      const late = childOf(request, { name: 'later', start: past + 9, durationMs: 500 });
      await write({ spans: [answered, late, call, request] });
      const { operations } = await find();
      expect(operations.map(({ service, name, selfMs }) => [service, name, selfMs])).toEqual([
        ['orders', 'later', 500],
        ['orders', 'GET', 6],
        ['orders', 'GET /orders/:id', 3],
        ['users', 'GET /users', 3],
      ]);
      expect(await names({ service: 'users' })).toEqual(['GET /users']);
    });

    it('are of one kind, in an order, and at most so many', async () => {
      await write({ spans: order(past, true) });
      expect(await names({ kind: 'method' })).toEqual(['Orders.find']);
      expect(await names({ order: 'count', limit: 1 })).toEqual(['SELECT orders']);
      expect(await names({ order: 'p95', limit: 1 })).toEqual(['GET /orders/:id']);
      expect(await find({ order: 'errors', limit: 1 })).toMatchObject({
        total: 3,
        operations: [{ name: 'SELECT orders', errors: 1 }],
      });
    });

    it('put names that are made up per call together', async () => {
      const request = requestOf(past);
      const calls = Array.from({ length: 3_100 }, (_, index) =>
        childOf(request, { name: `made up ${index}` }),
      );
      await write({ spans: [request, ...calls] });
      const { operations, total } = await find({ order: 'count', limit: 1 });
      expect(total).toBeLessThanOrEqual(3_010);
      expect(operations[0]).toMatchObject({ name: '(other)', kind: 'method' });
    });
  });
}
