import {
  type MapEdgeAnswer,
  type ServiceMapAnswer,
} from '../../../lib/dashboard/reader/answers/service-map.interface.js';
import {
  type ServiceMapFilter,
  type TelemetryReader,
} from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { childOf, requestOf, type Telemetry, type WrittenSpan } from './telemetry.js';

const MINUTE = 60_000;

/** Holds `serviceMap()` to its promises. @param past the begin of a minute that is over */
export function describeServiceMap(
  readerOf: () => TelemetryReader,
  write: (telemetry: Telemetry) => Promise<void>,
  past: number,
): void {
  const range = { from: past, to: past + 4 * MINUTE };
  const find = (filter: Partial<ServiceMapFilter> = {}) => readerOf().serviceMap({ ...range, ...filter });

  /** `orders -> database postgresql shop`, and how many of these calls. */
  const edgesOf = ({ nodes, edges }: ServiceMapAnswer): Readonly<Record<string, number>> => {
    const nameOf = (id: string | undefined): string => {
      const node = nodes.find((each) => each.id === id);
      if (node === undefined) return '(outside)';
      const { kind, system, name, address } = node;
      if (kind === 'service') return name;
      return [kind, system, name, address].filter((part) => part !== undefined).join(' ');
    };
    const textOf = ({ from, to, kind }: MapEdgeAnswer): string =>
      `${nameOf(from)} ${kind === 'call' ? '->' : '~>'} ${nameOf(to)}`;
    return Object.fromEntries(edges.map((edge) => [textOf(edge), edge.count]));
  };
  const edges = async (spans: readonly WrittenSpan[], filter: Partial<ServiceMapFilter> = {}) => {
    await write({ spans });
    return edgesOf(await find(filter));
  };

  const callOf = (
    parent: WrittenSpan,
    attributes: WrittenSpan['attributes'],
    more: Partial<WrittenSpan> = {},
  ) => childOf(parent, { kind: 'client', name: 'GET', attributes, ...more });
  const answerOf = (parent: WrittenSpan, service: string, more: Partial<WrittenSpan> = {}) =>
    requestOf(parent.start + 1, { traceId: parent.traceId, parentSpanId: parent.spanId, service, ...more });
  const sendOf = (
    parent: WrittenSpan,
    attributes: WrittenSpan['attributes'],
    more: Partial<WrittenSpan> = {},
  ) => childOf(parent, { kind: 'producer', name: 'send', attributes, ...more });
  const processOf = (service: string, start: number, more: Partial<WrittenSpan> = {}) =>
    requestOf(start, { service, kind: 'consumer', name: 'process', ...more });
  const queue = (name: string) => ({
    'messaging.system.name': 'kafka',
    'messaging.destination.name': name,
  });

  describe('service map', () => {
    it('is empty over an empty database, of an unknown service and outside of the range', async () => {
      const none = { nodes: [], edges: [], total: 0, traces: 0, spans: 0, since: range.from, complete: true };
      expect(await find()).toEqual(none);
      await write({ spans: [requestOf(past)] });
      expect(await find({ service: 'unknown' })).toEqual(none);
      expect(await find({ from: past - 2 * MINUTE, to: past })).toMatchObject({ edges: [], traces: 0 });
    });

    it('has the calls between services as their callers saw them, and those from outside', async () => {
      const spans = Array.from({ length: 20 }, (_, index) => {
        const request = requestOf(past + index, { durationMs: 100 + index });
        const call = callOf(
          request,
          { 'server.address': 'users.example', 'server.port': 8080 },
          { durationMs: 10 + index, status: index < 5 ? 'error' : 'unset' },
        );
        return [request, call, answerOf(call, 'users', { durationMs: 1 })];
      });
      await write({ spans: spans.flat() });
      const answer = await find();
      expect(answer).toMatchObject({ total: 2, traces: 20, spans: 60, since: past, complete: true });
      expect(answer.nodes).toMatchObject([
        { kind: 'service', name: 'orders', conditions: [] },
        { kind: 'service', name: 'users' },
      ]);
      const ids = new Map(answer.nodes.map(({ name, id }) => [name, id]));
      const [request, call] = spans[19]!;
      expect(answer.edges).toEqual(
        expect.arrayContaining([
          {
            from: undefined,
            to: ids.get('orders'),
            kind: 'call',
            count: 20,
            perSecond: 20 / 240,
            errors: 0,
            p95: 118,
            conditions: [],
            slowest: { traceId: request!.traceId, spanId: request!.spanId },
          },
          {
            from: ids.get('orders'),
            to: ids.get('users'),
            kind: 'call',
            count: 20,
            perSecond: 20 / 240,
            errors: 5,
            p95: 28,
            conditions: [
              { key: 'server.address', value: 'users.example' },
              { key: 'server.port', value: '8080' },
            ],
            slowest: { traceId: call!.traceId, spanId: call!.spanId },
          },
        ]),
      );
    });

    it('has the databases, hosts and queues that record nothing themselves', async () => {
      const request = requestOf(past);
      const spans = [
        request,
        callOf(request, {
          'db.system.name': 'postgresql',
          'db.namespace': 'shop',
          'server.address': 'db',
          'server.port': 5432,
        }),
        callOf(request, { 'db.system': 'mysql', 'db.name': 'old' }),
        callOf(request, { 'db.system.name': 'redis', 'db.namespace': '0', 'server.address': 'cache' }),
        callOf(request, { 'db.system.name': 'sqlite' }),
        callOf(request, { 'server.address': 'api.pay.example', 'server.port': 443 }),
        callOf(request, { 'url.full': 'http://stock:8081/items' }),
        callOf(request, { 'gen_ai.provider.name': 'openai' }),
        callOf(request, {}),
        sendOf(request, queue('sold')),
      ];
      expect(await edges(spans)).toEqual({
        '(outside) -> orders': 1,
        'orders -> database postgresql shop db:5432': 1,
        'orders -> database mysql old': 1,
        'orders -> database redis cache': 1,
        'orders -> database sqlite sqlite': 1,
        'orders -> host api.pay.example': 1,
        'orders -> host stock:8081': 1,
        'orders -> host openai': 1,
        'orders ~> queue kafka sold': 1,
      });
    });

    it('finds the traces of an edge by its conditions', async () => {
      const [shop, other, quiet] = [
        requestOf(past),
        requestOf(past + 1, { service: 'other' }),
        requestOf(past + 2),
      ];
      const query = { 'db.system.name': 'postgresql', 'db.namespace': 'shop' };
      const url = { 'url.full': 'http://stock:8081/items' };
      await write({
        spans: [shop, callOf(shop, query), other, callOf(other, query), callOf(other, url), quiet],
      });
      const { edges: found } = await find();
      const traces = async (service: string, to: RegExp) => {
        const { conditions } = found.find((edge) => edge.from?.includes(service) && to.test(edge.to))!;
        const { items } = await readerOf().traces({ spanService: service, attributes: conditions });
        return items.map(({ traceId }) => traceId);
      };
      expect(await traces('orders', /shop/)).toEqual([shop.traceId]);
      expect(await traces('other', /shop/)).toEqual([other.traceId]);
      expect(await traces('other', /stock/)).toEqual([other.traceId]);
    });

    it('counts a wait for a connection only where it failed, with the calls of the database', async () => {
      const request = requestOf(past);
      const pool = { 'db.system.name': 'postgresql', 'db.client.connection.pool.name': 'main' };
      const query = { ...pool, 'db.operation.name': 'SELECT', 'db.namespace': 'shop' };
      const wait = callOf(request, pool);
      const spans = [request, wait, callOf(request, query)];
      expect(await edges(spans)).toEqual({
        '(outside) -> orders': 1,
        'orders -> database postgresql shop': 1,
      });
      const failed = requestOf(past + 1);
      await write({ spans: [failed, callOf(failed, pool, { status: 'error' })] });
      const { edges: found } = await find();
      expect(found).toHaveLength(2);
      expect(found.find(({ to }) => to.includes('shop'))).toMatchObject({
        count: 2,
        errors: 1,
        conditions: [{ key: 'db.system.name', value: 'postgresql' }],
      });
    });

    it('has a service that calls itself, and services that call each other', async () => {
      const request = requestOf(past);
      const self = callOf(request, { 'server.address': 'localhost' });
      const again = answerOf(self, 'orders');
      const call = callOf(again, { 'server.address': 'users' });
      const answer = answerOf(call, 'users');
      const back = callOf(answer, { 'server.address': 'orders' });
      expect(await edges([request, self, again, call, answer, back, answerOf(back, 'orders')])).toEqual({
        '(outside) -> orders': 1,
        'orders -> orders': 1,
        'orders -> users': 1,
        'users -> orders': 1,
      });
    });

    it('counts a call that a service did not answer with the others, and not as one of a host', async () => {
      const target = { 'server.address': 'users', 'server.port': 8080 };
      const [first, second, third] = [
        requestOf(past),
        requestOf(past + 1),
        requestOf(past + 2, { service: 'other' }),
      ];
      const answered = callOf(second, target);
      const refused = callOf(first, target, { status: 'error' });
      const spans = [first, refused, second, answered, answerOf(answered, 'users')];
      expect(await edges([...spans, third, callOf(third, target)])).toEqual({
        '(outside) -> orders': 2,
        '(outside) -> other': 1,
        'orders -> users': 2,
        // Another machine may call something else by this name.
        'other -> host users:8080': 1,
      });
      expect((await find()).edges[1]).toMatchObject({ count: 2, errors: 1 });
    });

    it('keeps a host apart behind which there are several services', async () => {
      const gateway = { 'server.address': 'gateway' };
      const request = requestOf(past);
      const [users, stock] = [callOf(request, gateway), callOf(request, gateway)];
      const spans = [request, users, stock, answerOf(users, 'users'), answerOf(stock, 'stock')];
      expect(await edges([...spans, callOf(request, gateway)])).toEqual({
        '(outside) -> orders': 1,
        'orders -> users': 1,
        'orders -> stock': 1,
        'orders -> host gateway': 1,
      });
    });

    it('takes a span whose parent is not stored for a call from outside', async () => {
      const lost = childOf(requestOf(past));
      expect(await edges([answerOf(lost, 'users')])).toEqual({ '(outside) -> users': 1 });
    });

    it('follows messages through their queue to who processes them', async () => {
      const request = requestOf(past);
      const sent = sendOf(request, queue('sold'), { status: 'error' });
      const { traceId, spanId } = sent;
      const spans = [
        request,
        sent,
        // As a child, by a link in a trace of its own, and without any trace of its sender.
        processOf('mail', past + 1, { traceId, parentSpanId: spanId, attributes: queue('sold') }),
        processOf('stock', past + 2, {
          attributes: queue('sold'),
          links: [{ traceId, spanId, attributes: {} }],
        }),
        processOf('stock', past + 3, { attributes: queue('sold') }),
      ];
      expect(await edges(spans)).toEqual({
        '(outside) -> orders': 1,
        'orders ~> queue kafka sold': 1,
        'queue kafka sold ~> mail': 1,
        'queue kafka sold ~> stock': 2,
      });
      expect((await find()).edges.find(({ errors }) => errors > 0)?.to).toMatch(/sold/);
    });

    it('joins a queue to what its sender calls it, and services whose queue has no name', async () => {
      const request = requestOf(past);
      const [exchange, nameless] = [sendOf(request, queue('exchange')), sendOf(request, {})];
      const linked = ({ traceId, spanId }: WrittenSpan) => ({ links: [{ traceId, spanId, attributes: {} }] });
      const spans = [
        request,
        exchange,
        nameless,
        processOf('mail', past + 1, { attributes: queue('exchange:mail'), ...linked(exchange) }),
        processOf('mail', past + 2, { attributes: queue('exchange:mail') }),
        processOf('stock', past + 3, linked(nameless)),
        processOf('stock', past + 4),
      ];
      expect(await edges(spans)).toEqual({
        '(outside) -> orders': 1,
        'orders ~> queue kafka exchange': 1,
        'queue kafka exchange ~> mail': 2,
        'orders ~> stock': 1,
        '(outside) ~> stock': 1,
      });
    });

    it('counts a call within another once', async () => {
      const request = requestOf(past);
      const search = callOf(request, { 'db.system.name': 'elasticsearch' });
      const rpc = callOf(request, { 'rpc.service': 'Users' });
      const inner = callOf(rpc, { 'server.address': 'users' });
      const received = processOf('mail', past + 1, { attributes: queue('sold') });
      const spans = [
        request,
        search,
        callOf(search, { 'server.address': 'search', 'server.port': 9200 }),
        rpc,
        inner,
        answerOf(inner, 'users'),
        received,
        childOf(received, { kind: 'consumer', attributes: queue('sold') }),
      ];
      expect(await edges(spans)).toEqual({
        '(outside) -> orders': 1,
        'orders -> database elasticsearch elasticsearch': 1,
        'orders -> users': 1,
        'queue kafka sold ~> mail': 1,
      });
    });

    it('has services without calls, and is of one service or of the edges with most calls', async () => {
      const request = requestOf(past);
      const call = callOf(request, { 'server.address': 'users' });
      const query = { 'db.system.name': 'postgresql' };
      const users = answerOf(call, 'users');
      const job = requestOf(past + 1, { service: 'cron', kind: 'internal' });
      await write({ spans: [request, call, users, callOf(users, query), callOf(users, query), job] });
      const names = ({ nodes }: ServiceMapAnswer) => nodes.map(({ name }) => name).sort();
      expect(names(await find())).toEqual(['cron', 'orders', 'postgresql', 'users']);
      expect(edgesOf(await find({ service: 'orders' }))).toEqual({
        '(outside) -> orders': 1,
        'orders -> users': 1,
      });
      expect(names(await find({ service: 'cron' }))).toEqual(['cron']);
      const busiest = await find({ limit: 1 });
      expect(edgesOf(busiest)).toEqual({ 'users -> database postgresql postgresql': 2 });
      expect(busiest.total).toBe(3);
    });
  });
}
