import { TelemetryHealthIndicator } from 'nestjs-telemetry';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { newCaller, type RunningApp } from '../running-app.js';
import { answered, ask, type Json, startDashboard, type Trace } from './dashboard-app.js';

/** Metrics are collected every five seconds. */
const COLLECTED_WITHIN_MS = 12_000;

export function describeDashboardAnswers(platform: Platform): void {
  describe('the dashboard', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(platform);
    });
    afterAll(() => app.stop());

    it('shows a request that failed in overview, routes and traces, and its log line in the trace', async () => {
      const caller = newCaller();
      await app.fetch('/orders', { caller });
      const { traceId } = caller;
      const trace = await answered('the trace', () => ask<Trace>(app, `traces/${traceId}`));
      expect(trace).toMatchObject({
        summary: { traceId, route: '/orders', status: '500', service: 'behaviours' },
      });
      const handler = trace.spans.find(({ name }) => name === 'OrdersController.list');
      expect(trace.logs.find(({ message }) => message === 'no orders today')).toMatchObject({
        level: 'error',
        traceId,
        spanId: handler?.spanId,
      });
      expect(trace).toMatchObject({
        analysis: { criticalPath: expect.arrayContaining([handler?.spanId]) as unknown },
      });

      const { items } = await ask<{ items: Json[] }>(app, 'traces?status=error&route=/orders');
      expect(items.map((item) => item.traceId)).toContain(traceId);
      const overview = await answered('the overview', async () => {
        const answer = await ask<{ errorsPerSecond: number[]; exemplars: Json[] }>(
          app,
          'overview?service=behaviours',
        );
        return answer.errorsPerSecond.some((rate) => rate > 0) && answer;
      });
      expect(overview.exemplars).toContainEqual(expect.objectContaining({ traceId, error: true }));
      const services = await ask<Json[]>(app, 'services');
      expect(services).toEqual([
        expect.objectContaining({ name: 'behaviours', count: expect.any(Number) as unknown }),
      ]);
    });

    it('says in a health check whether its store keeps everything', () => {
      const { telemetry } = app.app.get(TelemetryHealthIndicator, { strict: false }).isHealthy();
      expect(telemetry).toMatchObject({ status: 'up', state: 'working' });
      expect(telemetry.parts).toContainEqual({ part: 'store', state: 'working', lost: 0 });
    });

    it('shows a request that has not ended by its root, with the time so far, and no longer when it has', async () => {
      const { traceId, ...caller } = newCaller();
      const answer = app.fetch('/orders/slow/2', { caller: { traceId, ...caller } });
      const summaryOf = () =>
        ask<{ items: Json[] }>(app, 'traces?limit=1000').then(({ items }) =>
          items.find((item) => item.traceId === traceId),
        );
      const open = await answered('the part that has ended', summaryOf);
      // Express knows the route when the request ends.
      const name = platform.adapter === 'express' ? 'GET /orders/slow/2' : 'GET /orders/slow/:seconds';
      expect(open).toMatchObject({ name, state: 'running' });
      expect(open.durationMs).toBeGreaterThan(5);
      const running = await ask<Json[]>(app, 'running');
      expect(running.find((each) => each.traceId === traceId)).toMatchObject({
        name,
        service: 'behaviours',
      });
      expect(await ask(app, `traces/${traceId}`)).toMatchObject({ summary: { state: 'running' } });
      await answer;
      const ended = await answered('the request', async () => {
        const summary = await summaryOf();
        return summary?.state === undefined && summary;
      });
      expect(ended).toMatchObject({ name: 'GET /orders/slow/:seconds' });
      expect(ended.durationMs).toBeGreaterThanOrEqual(2_000);
      expect((await ask<Json[]>(app, 'running')).filter((each) => each.traceId === traceId)).toEqual([]);
    });

    it('knows every route with its handler, never-hit ones too', async () => {
      const routes = await ask<Json[]>(app, 'routes');
      const known = routes.map(({ method, route, handler }) => ({ method, route, handler }));
      expect(known).toEqual(
        expect.arrayContaining([
          { method: 'GET', route: '/orders', handler: 'OrdersController.list' },
          { method: 'GET', route: '/orders/:id', handler: 'OrdersController.find' },
          { method: 'POST', route: '/orders', handler: 'OrdersController.create' },
          { method: 'GET', route: '/orders/never/asked/for', handler: 'OrdersController.never' },
        ]),
      );
      expect(routes.find(({ handler }) => handler === 'OrdersController.never')).toMatchObject({
        count: 0,
        p95: null,
        lastSeen: null,
      });
    });

    it('says once when its process started, whatever it has recorded since', async () => {
      await app.fetch('/orders', { caller: newCaller() });
      const starts = await answered('the start', async () => {
        const all = await ask<Json[]>(app, 'starts');
        return all.length > 0 && all;
      });
      expect(starts).toEqual([
        expect.objectContaining({ service: 'behaviours', time: expect.any(Number) as unknown }),
      ]);
      expect(starts[0]).not.toHaveProperty('previousVersion');
    });

    it('counts neither itself nor the metrics page among the routes, and logs its address', async () => {
      await app.scrape();
      const routes = await ask<{ route: string }[]>(app, 'routes');
      expect(routes.filter(({ route }) => /^\/(metrics|telemetry)/.test(route))).toEqual([]);
      await app.log.withMessage(`The dashboard is at ${app.origin}/telemetry`);
    });

    it('finds log lines by words, level and trace', async () => {
      const caller = newCaller();
      await app.fetch('/orders/77', { caller });
      const logs = await answered('the line', async () => {
        const page = await ask<{ items: Json[] }>(app, `logs?traceId=${caller.traceId}&text=looking`);
        return page.items.length > 0 && page.items;
      });
      expect(logs).toEqual([
        expect.objectContaining({ message: 'looking for an order', attributes: { id: '77' }, level: 'info' }),
      ]);
      const above = await ask<{ items: Json[] }>(app, `logs?traceId=${caller.traceId}&level=error`);
      expect(above.items).toEqual([]);
    });

    it('draws every instrument over time, with its attributes as filters', async () => {
      await app.fetch('/orders/1');
      const instrument = await answered(
        'the instrument with the route',
        async () => {
          const all = await ask<Json[]>(app, 'metrics');
          return all.find(
            ({ name, attributes }) =>
              name === 'http.server.request.duration' && JSON.stringify(attributes).includes('/orders/:id'),
          );
        },
        COLLECTED_WITHIN_MS,
      );
      expect(instrument).toMatchObject({
        type: 'histogram',
        unit: 's',
        service: 'behaviours',
        attributes: { 'http.route': expect.arrayContaining(['/orders/:id']) as unknown },
      });
      const id = String(instrument.id);
      const chart = await ask<{ series: { label: string; values: (number | null)[] }[] }>(
        app,
        `metrics/${id}?filter=http.route:/orders/:id`,
      );
      expect(chart.series.map(({ label }) => label)).toEqual(['p50', 'p95', 'p99']);
      expect(chart.series[0]?.values.some((value) => value !== null && value > 0)).toBe(true);
      const other = await ask<{ series: { values: unknown[] }[] }>(
        app,
        `metrics/${id}?filter=http.route:/nowhere`,
      );
      expect(other.series.flatMap(({ values }) => values).every((value) => value === null)).toBe(true);
    });

    it('shows what the traces of a region have more often than the rest', async () => {
      for (const path of ['/orders/1', '/orders/2', '/orders/3', '/orders', '/orders', '/orders'])
        await app.fetch(path);
      const body = JSON.stringify({ from: Date.now() - 60_000, to: Date.now() + 60_000, route: '/orders' });
      const result = await answered('the selection', async () => {
        const headers = { 'content-type': 'application/json' };
        const answer = await ask<{ selected: number; traces: Json[] }>(app, 'selection', {
          method: 'POST',
          headers,
          body,
        });
        return answer.selected >= 3 && answer;
      });
      expect(result.traces.every(({ route }) => route === '/orders')).toBe(true);
    });

    it('sets two traces side by side', async () => {
      const callers = [newCaller(), newCaller()];
      for (const caller of callers) await app.fetch('/orders/8', { caller });
      const [a, b] = callers.map(({ traceId }) => traceId);
      const comparison = await answered('both traces', () =>
        ask<{ rows: Json[] }>(app, `compare?a=${a ?? ''}&b=${b ?? ''}`),
      );
      expect(comparison).toMatchObject({ a: { traceId: a }, b: { traceId: b } });
      expect(comparison.rows).toContainEqual(
        expect.objectContaining({
          path: 'GET /orders/:id › OrdersController.find › read_order',
          countA: 1,
          countB: 1,
        }),
      );
    });

    it('records nothing of itself', async () => {
      const spans = app.spans.started.length;
      const lines = app.log.lines.length;
      await ask(app, 'services');
      await app.fetch('/telemetry');
      await app.fetch('/telemetry/no/such/file');
      expect(app.spans.started.slice(spans)).toEqual([]);
      expect(app.log.lines.slice(lines)).toEqual([]);
      expect(await app.scrape()).not.toContain('http_route="/telemetry');
    });

    it('shows the health of telemetry itself', async () => {
      expect(await ask(app, 'health')).toMatchObject({
        store: { file: ':memory:', queued: expect.any(Number) as unknown, maxBytes: 268_435_456 },
        instrumentations: expect.arrayContaining(['undici']) as unknown,
        editor: 'vscode://file/{file}:{line}',
      });
    });

    it('exports a trace with its log lines as OTLP, and takes it back', async () => {
      const caller = newCaller();
      await app.fetch('/orders/5', { caller });
      await answered('the trace', () => ask(app, `traces/${caller.traceId}`));
      const text = JSON.stringify(await ask(app, `traces/${caller.traceId}/otlp`));
      const other = newCaller().traceId;
      const body = text.replaceAll(caller.traceId, other);
      const headers = { 'content-type': 'application/json' };
      const imported = await ask(app, 'traces/import', { method: 'POST', headers, body });
      const counted = expect.any(Number) as unknown;
      expect(imported).toEqual({ traceIds: [other], spans: counted, logs: counted });
      const [before, after] = await Promise.all([
        ask<Trace>(app, `traces/${caller.traceId}`),
        ask<Trace>(app, `traces/${other}`),
      ]);
      expect(JSON.stringify(after.spans).replaceAll(other, caller.traceId)).toBe(
        JSON.stringify(before.spans),
      );
      const linesOf = ({ logs }: Trace) =>
        logs.map(({ level, context, message, attributes, spanId }) => ({
          level,
          context,
          message,
          attributes,
          spanId,
        }));
      expect(linesOf(after).length).toBeGreaterThan(0);
      expect(linesOf(after)).toEqual(linesOf(before));
      const again = await ask(app, 'traces/import', { method: 'POST', headers, body });
      expect(again).toEqual({ traceIds: [other], spans: 0, logs: 0 });
    });

    it('writes a request, or the newest of a route, as a curl command that sends it again', async () => {
      const caller = newCaller();
      await app.fetch('/orders/5', { caller });
      await answered('the trace', () => ask(app, `traces/${caller.traceId}`));
      const { command } = await ask<{ command: string }>(app, `curl?traceId=${caller.traceId}`);
      expect(command).toBe(`curl '${app.origin}/orders/5'`);
      const trace = await ask<{ summary: { service: string } }>(app, `traces/${caller.traceId}`);
      const of = (fields: object) =>
        new URLSearchParams({
          service: trace.summary.service,
          method: 'GET',
          route: '/orders/:id',
          ...fields,
        });
      expect(await ask(app, `curl?${of({}).toString()}`)).toMatchObject({
        command: expect.stringMatching(/^curl '.+\/orders\/\d+'$/) as unknown,
      });
      const unseen = await ask(app, `curl?${of({ method: 'PATCH', route: '/never/:id' }).toString()}`);
      expect(unseen).toEqual({ command: `curl -X PATCH '${app.origin}/never/:id'` });
    });

    it('imports a file with an object on each line, without log lines of other traces', async () => {
      const [traceId, stranger] = [newCaller().traceId, newCaller().traceId];
      const at = `${Date.now()}000000`;
      const span = {
        traceId,
        spanId: '1'.repeat(16),
        name: 'imported',
        startTimeUnixNano: at,
        endTimeUnixNano: at,
      };
      const logOf = (of: string | undefined) => ({
        timeUnixNano: at,
        body: { stringValue: 'read' },
        traceId: of,
      });
      const lines = [
        { resourceMetrics: [] },
        { resourceLogs: [{ scopeLogs: [{ logRecords: [traceId, stranger, undefined].map(logOf) }] }] },
        { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] },
      ];
      const post = (body: string) =>
        app.fetch('/telemetry/api/v1/traces/import', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
      const response = await post(lines.map((line) => JSON.stringify(line)).join('\n'));
      expect(await response.json()).toEqual({ traceIds: [traceId], spans: 1, logs: 1 });
      for (const broken of ['', '{"resourceSpans":[]}\n{', '{}\n[]', '{"resourceLogs":[{}]}', 'null'])
        expect((await post(broken)).status).toBe(400);
    });

    it('streams what ends, line by line', async () => {
      const stop = new AbortController();
      const response = await app.fetch('/telemetry/api/v1/stream?traces=1&logs=1', { signal: stop.signal });
      expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
      let text = '';
      const reading = (async () => {
        for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
      })().catch(() => undefined);
      const caller = newCaller();
      await app.fetch('/orders/9', { caller });
      const items = (): Json[] =>
        text
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Json);
      await eventually('trace and line', () => {
        const seen = items().filter((item) => JSON.stringify(item).includes(caller.traceId));
        return new Set(seen.map(({ type }) => type)).size === 2;
      });
      expect(items()[0]).toMatchObject({ type: 'beat' });
      stop.abort();
      await reading;
    });

    it.each([
      ['overview?buckets=none', 400, 'buckets'],
      ['overview?from=5&to=3', 400, 'from'],
      ['traces?minMs=-1', 400, 'minMs'],
      ['traces?attribute=nocolon', 400, 'attribute'],
      ['traces?where=user_id', 400, 'where must be written'],
      ['logs?where=code>high', 400, 'number after'],
      ['traces/xyz', 400, 'hexadecimal'],
      ['logs?level=loud', 400, 'level'],
      [`traces/${'0'.repeat(31)}1`, 404, 'evicted'],
      ['nothing', 404, 'no such address'],
      ['metrics/one', 400, 'whole number'],
      ['metrics/999999', 404, 'evicted'],
      ['selection', 405, 'POST'],
      ['../../otlp/v1/traces', 404, 'dashboard.otlp'],
    ])('answers %s with %i and the reason', async (path, status, reason) => {
      const response = await app.fetch(`/telemetry/api/v1/${path}`);
      const { error } = (await response.json()) as { error: { status: number; message: string } };
      expect([response.status, error.status]).toEqual([status, status]);
      expect(error.message).toContain(reason);
    });
  });
}
