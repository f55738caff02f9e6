import { type Client } from '@modelcontextprotocol/client';

import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { serveDashboard, type ServedDashboard } from '../serve-dashboard.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';
import { logOf, newTraceId, resourceOf, spanOf } from '../sqlite/sample-rows.js';
import { callTool, connectMcp } from './mcp-client.js';

const MINUTE = 60_000;
/** An answer is of 8,000 bytes; fields that are never cut may make it a little longer. */
const LONGEST = 10_000;

let store: TelemetryStore;
let served: ServedDashboard;
let client: Client;
beforeEach(async () => {
  store = openTestStore();
  served = await serveDashboard(store);
  client = await connectMcp(served.port);
});
afterEach(async () => {
  await client.close();
  await served.close();
  await cleanUp();
});

async function add(...spans: readonly StoredSpan[]): Promise<void> {
  for (const span of spans) store.addSpan(span);
  await store.flush();
}

async function ask<T>(name: string, given: Readonly<Record<string, unknown>> = {}): Promise<T> {
  const { text, isError } = await callTool(client, name, given);
  if (isError) throw new Error(text);
  return JSON.parse(text) as T;
}

async function refusalOf(name: string, given: Readonly<Record<string, unknown>>): Promise<string> {
  const { text, isError } = await callTool(client, name, given);
  expect(isError).toBe(true);
  return text;
}

function failureOf(message: string, more: Partial<StoredSpan> = {}): StoredSpan {
  const stack = [
    `StockError: ${message}`,
    `    at StockService.reserve (${process.cwd()}/src/stock.service.ts:7:11)`,
    `    at next (${process.cwd()}/node_modules/rxjs/dist/cjs/internal/x.js:1:1)`,
    `    at node:internal/process/task_queues:95:5`,
    `    at OrdersController.create (${process.cwd()}/src/orders.controller.ts:20:5)`,
  ].join('\n');
  const attributes = {
    'exception.type': 'StockError',
    'exception.message': message,
    'exception.stacktrace': stack,
    'exception.fingerprint': 'f1',
  };
  return spanOf({
    status: SPAN_STATUS.error,
    outcome: '500',
    events: JSON.stringify([{ name: 'exception', time: Date.now(), attributes }]),
    ...more,
  });
}

interface TracePage {
  readonly traces: readonly {
    readonly traceId: string;
    readonly start: string;
    readonly durationMs: number;
  }[];
  readonly next?: string;
}

/** Of the items that a tool lists, how often each stands for something. */
interface Counted {
  readonly count?: number;
  readonly calls?: number;
}

describe('the MCP server of the dashboard', () => {
  it('lists its tools, all of them read only and described', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'list_errors',
      'find_regressions',
      'slow_operations',
      'search_traces',
      'get_trace',
      'search_logs',
      'service_map',
      'telemetry_health',
    ]);
    for (const { annotations, description, inputSchema } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: true });
      expect(description?.length).toBeGreaterThan(50);
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    }
  });

  it('refuses arguments that the schema of a tool does not have, with the reason', async () => {
    expect(await refusalOf('search_traces', { limit: 0 })).toMatch(/limit/);
    expect(await refusalOf('search_traces', { servise: 'orders' })).toMatch(/additional properties/);
    expect(await refusalOf('get_trace', {})).toMatch(/traceId/);
    expect(await refusalOf('list_errors', { state: 'odd' })).toMatch(/state/);
  });

  it('refuses values that the question behind a tool does not take, with the reason', async () => {
    expect(await refusalOf('search_traces', { where: ['a b'] })).toMatch(/^where must be written/);
    expect(await refusalOf('search_logs', { from: 'yesterday' })).toMatch(/^from must be an instant/);
    expect(await refusalOf('list_errors', { from: '2026-01-02', to: '2026-01-01' })).toMatch(
      /^from must be before to/,
    );
    expect(await refusalOf('list_errors', { cursor: 'x' })).toMatch(/^cursor must be/);
  });

  it('asks about chosen processes with every tool that looks through telemetry', async () => {
    const of = (version: string, environment: string) => ({
      resource: resourceOf('orders', { version, environment, instance: `of ${version}` }),
    });
    const [one, two] = [of('1.0.0', 'staging'), of('2.0.0', 'production')] as const;
    await add(failureOf('in one', one), failureOf('in two', two));
    store.addLog(logOf({ ...two, message: 'line of two' }));
    store.addLog(logOf({ ...one, message: 'line of one' }));
    await store.flush();
    const countOf = async (tool: string, given: object): Promise<number> => {
      const page = await ask<Record<string, unknown>>(tool, { ...given });
      const [items = []] = Object.values(page).filter((each): each is Counted[] => Array.isArray(each));
      return items.reduce((sum, { count, calls }) => sum + (count ?? calls ?? 1), 0);
    };
    for (const tool of ['list_errors', 'slow_operations', 'search_traces', 'search_logs', 'service_map'])
      for (const [given, count] of [
        [{}, 2],
        [{ version: '2.0.0' }, 1],
        [{ environment: 'staging' }, 1],
        [{ process: 'of 1.0.0', version: '1.0.0' }, 1],
        [{ process: 'of 3.0.0' }, 0],
      ] as const)
        expect([tool, given, await countOf(tool, given)]).toEqual([tool, given, count]);
    expect(await ask('find_regressions', { version: '2.0.0' })).toMatchObject({ regressions: [] });
  });

  describe('search_traces', () => {
    it('finds traces by their filters, with times in ISO 8601', async () => {
      const start = Date.now() - MINUTE;
      const wanted = spanOf({ start: start * 1_000, duration: 250_000, attributes: '{"user_id":"ada"}' });
      await add(spanOf(), wanted);
      const { traces } = await ask<TracePage>('search_traces', {
        where: ['user_id=ada'],
        minMs: 200,
        service: 'orders',
      });
      expect(traces).toEqual([
        {
          traceId: wanted.traceId,
          name: 'GET /orders/:id',
          service: 'orders',
          status: '200',
          start: new Date(start).toISOString(),
          durationMs: 250,
          spans: 1,
        },
      ]);
    });

    it('goes through all traces in pages', async () => {
      const spans = Array.from({ length: 45 }, (_, index) =>
        spanOf({ start: (Date.now() - index * 1_000) * 1_000 }),
      );
      await add(...spans);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page: TracePage = await ask('search_traces', {
          limit: 20,
          ...(cursor !== undefined && { cursor }),
        });
        seen.push(...page.traces.map(({ traceId }) => traceId));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual(spans.map(({ traceId }) => traceId));
    });
  });

  describe('get_trace', () => {
    it('says what failed and where, the queries and the log lines', async () => {
      const failed = failureOf('No stock');
      const query = spanOf({
        traceId: failed.traceId,
        parentHigh: failed.idHigh,
        parentLow: failed.idLow,
        kind: SPAN_KIND.client,
        name: 'SELECT stock',
        route: undefined,
        attributes: JSON.stringify({
          'db.system.name': 'postgresql',
          'db.query.text': 'SELECT * FROM stock WHERE id = $1',
        }),
      });
      await add(failed, query);
      store.addLog(logOf({ traceId: failed.traceId, level: 50, message: 'could not reserve' }));
      await store.flush();
      const { text } = await callTool(client, 'get_trace', { traceId: failed.traceId });
      expect(text).toContain('# GET /orders/:id failed: StockError: No stock');
      expect(text).toContain('at StockService.reserve (src/stock.service.ts:7:11)');
      expect(text).toContain('… 2 library frames');
      expect(text).toContain('SELECT * FROM stock WHERE id = $1');
      expect(text).toContain('ERROR orders [OrderService] could not reserve');
      expect(text).not.toContain(process.cwd());
    });

    it('shows the tree in pages', async () => {
      const traceId = newTraceId();
      const root = spanOf({ traceId });
      const below = Array.from({ length: 150 }, (_, index) =>
        spanOf({
          traceId,
          parentHigh: root.idHigh,
          parentLow: root.idLow,
          kind: SPAN_KIND.internal,
          route: undefined,
          name: `step ${index}`,
          start: root.start + index,
        }),
      );
      await add(root, ...below);
      const lines: string[] = [];
      let cursor: string | undefined = '0';
      while (cursor !== undefined) {
        const { text } = await callTool(client, 'get_trace', { traceId, cursor, limit: 70 });
        const page = text.split('\n');
        cursor = /^next cursor: (\d+)$/.exec(page.at(-1) ?? '')?.[1];
        lines.push(...(cursor === undefined ? page : page.slice(0, -1)));
      }
      expect(lines.map((line) => /step \d+/.exec(line)?.[0])).toEqual([
        undefined,
        ...below.map(({ name }) => name),
      ]);
    });

    it('says that a trace is not stored', async () => {
      const { text, isError } = await callTool(client, 'get_trace', { traceId: 'f'.repeat(32) });
      expect([isError, text]).toEqual([false, expect.stringMatching(/^No span of this trace is stored/)]);
    });
  });

  describe('search_logs', () => {
    it('finds lines by level and words, with their trace and fields', async () => {
      const traceId = newTraceId();
      store.addLog(logOf());
      store.addLog(logOf({ level: 50, message: 'payment declined', traceId, attributes: '{"card":"visa"}' }));
      await store.flush();
      const { logs } = await ask<{ logs: unknown }>('search_logs', { level: 'warn', text: 'declined' });
      expect(logs).toEqual([
        {
          time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
          level: 'error',
          service: 'orders',
          context: 'OrderService',
          message: 'payment declined',
          traceId,
          fields: { card: 'visa' },
        },
      ]);
    });
  });

  describe('list_errors', () => {
    it('lists errors with their state and a sample trace', async () => {
      const failed = failureOf('No stock');
      await add(failed);
      const { errors, states } = await ask<{ errors: unknown; states: unknown }>('list_errors');
      expect(errors).toEqual([
        expect.objectContaining({
          service: 'orders',
          fingerprint: 'f1',
          type: 'StockError',
          message: 'No stock',
          state: 'new',
          count: 1,
          route: 'GET /orders/:id',
          traceId: failed.traceId,
        }),
      ]);
      expect(states).toMatchObject({ new: 1 });
    });
  });

  describe('find_regressions', () => {
    it('finds the route that became slower and the one that fails, and no other', async () => {
      const requests = (
        route: string,
        minutesAgo: number,
        more: Partial<StoredSpan>,
      ): readonly StoredSpan[] =>
        Array.from({ length: 40 }, (_, index) =>
          spanOf({
            route,
            name: `GET ${route}`,
            start: (Date.now() - minutesAgo * MINUTE - index * 100) * 1_000,
            ...more,
          }),
        );
      const failing = { status: SPAN_STATUS.error, outcome: '500' };
      await add(
        ...requests('/slow', 90, { duration: 10_000 }),
        ...requests('/slow', 10, { duration: 80_000 }),
        ...requests('/fails', 90, {}),
        ...requests('/fails', 10, failing),
        ...requests('/same', 90, { duration: 10_000 }),
        ...requests('/same', 10, { duration: 10_000 }),
        ...requests('/new', 10, { duration: 90_000 }),
      );
      const { regressions } = await ask<{
        regressions: readonly {
          readonly kind: string;
          readonly route: string;
          readonly before: object;
          readonly now: object;
        }[];
      }>('find_regressions');
      expect(regressions).toMatchObject([
        { kind: 'failing', route: '/fails', before: { errorShare: 0 }, now: { count: 40, errorShare: 1 } },
        { kind: 'slower', route: '/slow', before: { count: 40 }, now: { count: 40 } },
      ]);
    });
  });

  describe('slow_operations', () => {
    it('ranks what took the time, and says how often a trace has it', async () => {
      const request = spanOf({ duration: 50_000 });
      const query = (index: number): StoredSpan =>
        spanOf({
          traceId: request.traceId,
          parentHigh: request.idHigh,
          parentLow: request.idLow,
          kind: SPAN_KIND.client,
          route: undefined,
          method: undefined,
          outcome: undefined,
          start: request.start + index * 10_000,
          duration: 10_000,
          attributes: JSON.stringify({ 'db.system.name': 'postgresql', 'db.query.summary': 'SELECT users' }),
        });
      await add(request, ...[0, 1, 2].map(query));
      const { operations, covers } = await ask<{ operations: readonly object[]; covers: object }>(
        'slow_operations',
      );
      expect(operations).toMatchObject([
        {
          kind: 'statement',
          name: 'SELECT users',
          target: 'postgresql',
          count: 3,
          selfMs: 30,
          perTrace: 3,
          where: 'db.query.summary=SELECT users',
        },
        { kind: 'request', count: 1, selfMs: 20 },
      ]);
      expect(covers).toMatchObject({ traces: 1, spans: 4, complete: true });
    });
  });

  describe('service_map', () => {
    /** A span below another, of 5 ms. */
    const below = (parent: StoredSpan, attributes: object, more: Partial<StoredSpan> = {}): StoredSpan =>
      spanOf({
        traceId: parent.traceId,
        parentHigh: parent.idHigh,
        parentLow: parent.idLow,
        kind: SPAN_KIND.client,
        route: undefined,
        method: undefined,
        outcome: undefined,
        attributes: JSON.stringify(attributes),
        ...more,
      });

    it('tells which service calls which service, database, queue and host', async () => {
      const STOCK = resourceOf('stock');
      const requests = Array.from({ length: 3 }, (_, index) => {
        const root = spanOf();
        const call = below(root, { 'server.address': 'stock' });
        const entered = below(
          call,
          {},
          { kind: SPAN_KIND.server, resource: STOCK, route: '/stock', method: 'GET' },
        );
        const failed = index === 0 ? { status: SPAN_STATUS.error, duration: 90_000 } : {};
        const database = { 'db.system.name': 'postgresql', 'db.namespace': 'shop' };
        const query = below(entered, database, { resource: STOCK, ...failed });
        return [root, call, entered, query];
      });
      const [root] = requests[0]!;
      const queue = { 'messaging.system.name': 'kafka', 'messaging.destination.name': 'sold' };
      await add(
        ...requests.flat(),
        below(root!, queue, { kind: SPAN_KIND.producer }),
        below(root!, { 'server.address': 'api.pay.example', 'server.port': 443 }),
      );
      const { edges, covers } = await ask<{ edges: readonly object[]; covers: unknown }>('service_map');
      expect(covers).toEqual({ traces: 3, spans: 14, complete: true, since: expect.any(String) as string });
      const { traceId } = root!;
      const once = { calls: 1, perSecond: expect.any(Number) as number, errors: 0, p95Ms: 5, traceId };
      const queried = ['db.system.name=postgresql', 'db.namespace=shop'];
      const sent = ['messaging.system.name=kafka', 'messaging.destination.name=sold'];
      const paid = ['server.address=api.pay.example', 'server.port=443'];
      const thrice = { ...once, calls: 3, traceId: expect.any(String) as string };
      expect(edges).toHaveLength(5);
      expect(edges).toEqual(
        expect.arrayContaining([
          { to: 'orders', type: 'service', ...thrice },
          { from: 'orders', to: 'stock', type: 'service', ...thrice, where: ['server.address=stock'] },
          {
            from: 'stock',
            to: 'postgresql shop',
            type: 'database',
            ...thrice,
            errors: 1,
            p95Ms: 90,
            where: queried,
            traceId,
          },
          { from: 'orders', to: 'kafka sold', type: 'queue', isMessage: true, ...once, where: sent },
          { from: 'orders', to: 'api.pay.example', type: 'host', ...once, where: paid },
        ]),
      );
      const ofStock = await ask<{ edges: readonly object[] }>('service_map', { service: 'stock' });
      expect(ofStock.edges).toHaveLength(2);
      const { traces } = await ask<TracePage>('search_traces', { spanService: 'stock', where: queried });
      expect(traces).toHaveLength(3);
    });
  });

  describe('telemetry_health', () => {
    it('tells the services and how full the store is', async () => {
      await add(spanOf());
      const { services, store: figures } = await ask<{ services: unknown; store: unknown }>(
        'telemetry_health',
      );
      expect(services).toEqual([expect.objectContaining({ name: 'orders', count: 1, errorShare: 0 })]);
      expect(figures).toMatchObject({ spans: 1, file: ':memory:' });
    });

    it('has each process, the worst first, with what it lost and why', async () => {
      const now = Date.now();
      const exporter = { signal: 'traces', name: 'OTLP grpc', exported: 9, failed: 0, dropped: 0 } as const;
      const well = { ...exporter, endpoint: 'http://a:4317', lostBy: {} };
      const ill = {
        ...exporter,
        endpoint: 'http://b:4317',
        failed: 5,
        dropped: 2,
        lostBy: { UNAVAILABLE: 5, queue_full: 2 },
        queued: 3,
        queueCapacity: 10,
        lastError: { message: 'no connection', at: now },
        failingSince: now,
      };
      store.reportHealth(resourceOf('gateway'), { exporters: [well] }, now, now);
      store.reportHealth(resourceOf('worker'), { exporters: [ill] }, now, now - 1_000);
      store.maintain();
      const { processes } = await ask<{ processes: readonly Readonly<Record<string, unknown>>[] }>(
        'telemetry_health',
      );
      expect(processes.map(({ service, state }) => [service, state])).toEqual([
        ['worker', 'running'],
        ['gateway', 'running'],
      ]);
      expect(processes[0]).toMatchObject({ troubles: 'failing, lost', started: new Date(now).toISOString() });
      expect(processes[0]!.exporters).toEqual([
        `traces to http://b:4317: 9 exported, 5 failed, 2 dropped (UNAVAILABLE 5, queue_full 2), 3 of 10 queued, fails since ${new Date(now).toISOString()}, last error: no connection`,
      ]);
    });
  });

  it('keeps each answer small on a store with huge values', async () => {
    const huge = 'ü'.repeat(20_000);
    const fields = JSON.stringify(
      Object.fromEntries(
        Array.from({ length: 60 }, (_, index) => [`${huge.slice(0, 50)}${index}`, huge.slice(0, 400)]),
      ),
    );
    const traceId = newTraceId();
    const names = Array.from({ length: 30 }, (_, index) => `${index}${huge.slice(0, 900)}`);
    for (const name of names) {
      const resource = resourceOf(name.slice(0, 200), { version: huge.slice(0, 200) });
      const root = { traceId, name, route: name, attributes: fields, resource, statusMessage: huge };
      const events = JSON.stringify([
        {
          name: 'exception',
          time: Date.now(),
          attributes: {
            'exception.type': huge,
            'exception.message': huge,
            'exception.stacktrace': `${huge}\n    at ${huge} (${huge}.js:1:1)`,
            'exception.fingerprint': name.slice(0, 60),
          },
        },
      ]);
      store.addSpan(spanOf({ ...root, status: SPAN_STATUS.error, events, outcome: huge.slice(0, 100) }));
      store.addSpan(spanOf({ ...root, traceId: newTraceId() }));
      store.addLog(
        logOf({
          message: `declined ${huge}`,
          attributes: fields,
          resource,
          traceId,
          level: 50,
          context: huge,
        }),
      );
    }
    await store.flush();
    const calls: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
      ['list_errors', { limit: 15 }],
      ['list_errors', { limit: 1 }],
      ['find_regressions', {}],
      ['search_traces', { limit: 20 }],
      ['get_trace', { traceId }],
      ['get_trace', { traceId, cursor: '0', limit: 200 }],
      ['search_logs', { limit: 20 }],
      ['search_logs', { limit: 1 }],
      ['service_map', { limit: 20 }],
      ['telemetry_health', {}],
    ];
    for (const [name, given] of calls) {
      const { text, isError } = await callTool(client, name, given);
      expect([name, isError, Buffer.byteLength(text) < LONGEST ? 'small' : Buffer.byteLength(text)]).toEqual([
        name,
        false,
        'small',
      ]);
      expect(text).not.toContain('\ufffd');
    }
  });
});
