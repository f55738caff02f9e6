import { mkdtempSync, rmSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import {
  Body,
  type CanActivate,
  Controller,
  Get,
  Injectable,
  NotFoundException,
  Param,
  Post,
  VersioningType,
} from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { type DashboardOptions, TelemetryService } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { SpanCollector } from './collectors.js';
import { type Platform } from './platform.js';
import { type AppUnderTest, fromOutside, newCaller, RunningApp } from './running-app.js';

@Controller('orders')
class OrdersController {
  constructor(private readonly telemetry: TelemetryService) {}

  @Get(':id')
  find(@Param('id') id: string): string {
    this.telemetry.logInfo('looking for an order', { id });
    return this.telemetry.trace('read_order', { id }, () => `order ${id}`);
  }

  @Get()
  list(): string {
    this.telemetry.logError('no orders today', new Error('the shelf is empty'));
    throw new Error('the shelf is empty');
  }

  @Post()
  create(@Body() body: unknown): unknown {
    return body;
  }

  @Get('never/asked/for')
  never(): void {
    throw new NotFoundException();
  }
}

@Injectable()
class DenyAll implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

/** Metrics are collected every five seconds. */
const COLLECTED_WITHIN_MS = 12_000;

type Json = Readonly<Record<string, unknown>>;

/** An application whose dashboard keeps everything in memory, and needs no token unless the options say so. */
function startDashboard(
  platform: Platform,
  dashboard: DashboardOptions = {},
  parts: AppUnderTest = {},
): Promise<RunningApp> {
  return RunningApp.start(platform, {
    controllers: [OrdersController],
    ...parts,
    telemetry: {
      dashboard: { enabled: true, token: false, ...dashboard },
      store: { file: ':memory:' },
      ...parts.telemetry,
    },
  });
}

/** What `npm start` of a developer does: nothing is configured, and the store is a file in a new folder. */
async function startUnconfigured(
  platform: Platform,
): Promise<{ app: RunningApp; folder: string; addresses: () => string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-token-'));
  const app = await RunningApp.start(platform, {
    controllers: [OrdersController],
    telemetry: { environment: 'development', store: { file: join(folder, 'telemetry.db') } },
  });
  return { app, folder, addresses: () => addressesIn(app) };
}

function addressesIn(app: RunningApp): string[] {
  return app.log.lines.flatMap(({ msg }) => /^The dashboard is at (\S+)$/.exec(String(msg))?.[1] ?? []);
}

async function ask<T = Json>(app: RunningApp, path: string, init: RequestInit = {}): Promise<T> {
  const response = await app.fetch(`/telemetry/api/v1/${path}`, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Asks the API until its answer is the expected one, through refusals too. */
async function answered<T>(
  what: string,
  read: () => Promise<T | undefined | false>,
  withinMs?: number,
): Promise<T> {
  return eventually(what, read, withinMs, { throughErrors: true });
}

/** Headers that fetch would not send. */
function statusAt(
  app: RunningApp,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<number> {
  return fromOutside(
    () =>
      new Promise((resolve, reject) => {
        request(`${app.origin}/telemetry/${path}`, { method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
          .on('error', reject)
          .end();
      }),
  );
}

interface Trace extends Json {
  readonly spans: readonly (Json & { readonly name: string; readonly spanId: string })[];
  readonly logs: readonly (Json & { readonly message: string; readonly spanId: string })[];
}

export function describeDashboard(platform: Platform): void {
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

    it('exports a trace as OTLP, and takes it back', async () => {
      const caller = newCaller();
      await app.fetch('/orders/5', { caller });
      await answered('the trace', () => ask(app, `traces/${caller.traceId}`));
      const text = JSON.stringify(await ask(app, `traces/${caller.traceId}/otlp`));
      const other = newCaller().traceId;
      const body = text.replaceAll(caller.traceId, other);
      const headers = { 'content-type': 'application/json' };
      const imported = await ask(app, 'traces/import', { method: 'POST', headers, body });
      expect(imported).toEqual({ traceIds: [other], spans: expect.any(Number) as unknown });
      const [before, after] = await Promise.all([
        ask<Trace>(app, `traces/${caller.traceId}`),
        ask<Trace>(app, `traces/${other}`),
      ]);
      expect(JSON.stringify(after.spans).replaceAll(other, caller.traceId)).toBe(
        JSON.stringify(before.spans),
      );
      const again = await ask(app, 'traces/import', { method: 'POST', headers, body });
      expect(again).toEqual({ traceIds: [other], spans: 0 });
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

  describe('who may ask the dashboard', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(platform);
    });
    afterAll(() => app.stop());

    const statusOf = (path: string, headers?: Record<string, string>, method?: string): Promise<number> =>
      statusAt(app, path, headers, method);

    it.each(['evil.example', 'evil.example:3000', '127.0.0.1.evil.example', 'localhost.', '127.0.0.2'])(
      'refuses the host %j, page and API alike',
      async (host) => {
        expect(await statusOf('api/v1/services', { host })).toBe(403);
        expect(await statusOf('', { host })).toBe(403);
      },
    );

    it.each(['localhost', 'localhost:3000', '127.0.0.1', '[::1]:3000', 'LOCALHOST'])(
      'answers the host %s',
      async (host) => {
        expect(await statusOf('api/v1/services', { host })).toBe(200);
      },
    );

    it('refuses a page of another origin, and answers its own', async () => {
      const host = 'localhost:3000';
      expect(await statusOf('api/v1/services', { host, origin: 'http://evil.example' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, origin: 'http://localhost:4000' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, origin: 'null' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, origin: 'http://localhost:3000' })).toBe(200);
      expect(await statusOf('api/v1/services', { host, 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, 'sec-fetch-site': 'same-site' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, 'sec-fetch-site': 'same-origin' })).toBe(200);
    });

    it('refuses what a proxy of this machine passes on for others, independent of its other headers', async () => {
      expect(await statusOf('api/v1/services', { 'x-forwarded-for': '192.0.2.7, 127.0.0.1' })).toBe(403);
      expect(await statusOf('api/v1/services', { forwarded: 'for="[2001:db8::1]:4711"' })).toBe(403);
      expect(await statusOf('api/v1/services', { 'x-forwarded-for': '127.0.0.1' })).toBe(200);
    });

    it('refuses a form of another page: a POST must have the content type of JSON', async () => {
      expect(await statusOf('api/v1/selection', { 'content-type': 'text/plain' }, 'POST')).toBe(415);
      expect(
        await statusOf(
          'api/v1/traces/import',
          { 'content-type': 'application/x-www-form-urlencoded' },
          'POST',
        ),
      ).toBe(415);
    });

    it('sends everything with headers that keep it to itself', async () => {
      const { headers } = await app.fetch('/telemetry/api/v1/services');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('access-control-allow-origin')).toBeNull();
    });

    it('leads to the folder of the page', async () => {
      const response = await app.fetch('/telemetry', { redirect: 'manual' });
      expect([response.status, response.headers.get('location')]).toEqual([303, './telemetry/']);
    });
  });

  describe('a dashboard asked from another machine', () => {
    const pretendRemote = (app: RunningApp): void => {
      (app.app.getHttpServer() as Server).prependListener('connection', (socket: Socket) => {
        Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.7' });
      });
    };

    it('does not answer, neither page nor API, and believes no header', async () => {
      const app = await startDashboard(platform);
      try {
        pretendRemote(app);
        const headers = { 'x-forwarded-for': '127.0.0.1' };
        expect((await app.fetch('/telemetry/api/v1/services', { headers })).status).toBe(403);
        expect((await app.fetch('/telemetry/')).status).toBe(403);
        expect((await app.fetch('/orders/1')).status).toBe(200);
      } finally {
        await app.stop();
      }
    });

    it('answers where that is allowed, under names that are allowed', async () => {
      const dashboard = { allowRemote: true, allowedHosts: ['dev.example.com', '192.0.2.1'] };
      const app = await startDashboard(platform, dashboard);
      try {
        pretendRemote(app);
        const hosts = [
          'dev.example.com',
          'DEV.example.com:3000',
          '192.0.2.1:3000',
          'localhost',
          'example.com',
        ];
        const statuses = await Promise.all(hosts.map((host) => statusAt(app, 'api/v1/services', { host })));
        expect(statuses).toEqual([200, 200, 200, 200, 403]);
      } finally {
        await app.stop();
      }
    });
  });

  describe('a dashboard with a token', () => {
    const token = 'a-token-nobody-guesses';
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(
        platform,
        { enabled: true, token },
        { telemetry: { environment: 'production' } },
      );
    });
    afterAll(() => app.stop());

    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await app.fetch('/telemetry/api/v1/services', { headers })).status;

    it('is not printed: the user knows it, and a log may be read by others', () => {
      expect(addressesIn(app)).toEqual([expect.stringMatching(/\/telemetry$/)]);
    });

    it('refuses requests without it', async () => {
      expect(await statusWith({})).toBe(401);
      expect(await statusWith({ authorization: 'Bearer another-token-altogether' })).toBe(401);
      expect(await statusWith({ authorization: `Basic ${token}` })).toBe(401);
      expect(await statusWith({ cookie: `telemetry=${token}` })).toBe(401);
      expect((await app.fetch(`/telemetry/api/v1/services?token=${token}`)).status).toBe(401);
    });

    it('answers who sends it', async () => {
      expect(await statusWith({ authorization: `Bearer ${token}` })).toBe(200);
    });

    it('trades it in an address of the page for a cookie that does not reveal it', async () => {
      const response = await app.fetch(`/telemetry/?token=${token}`, { redirect: 'manual' });
      const cookie = response.headers.get('set-cookie') ?? '';
      expect([response.status, response.headers.get('location')]).toEqual([303, './']);
      expect(cookie).toMatch(
        /^telemetry-[\da-f]{8}=[\da-f]{64}; Path=\/telemetry; HttpOnly; SameSite=Strict$/,
      );
      expect(await statusWith({ cookie: cookie.split(';')[0] ?? '' })).toBe(200);
      expect(
        (await app.fetch('/telemetry/?token=another-token-altogether', { redirect: 'manual' })).status,
      ).toBe(401);
    });
  });

  describe('a dashboard whose token is not set', () => {
    let app: RunningApp;
    let folder: string;
    let token: string;
    beforeAll(async () => {
      const started = await startUnconfigured(platform);
      ({ app, folder } = started);
      const [address = ''] = await eventually('the address', () => {
        const printed = started.addresses();
        return printed.length > 0 && printed;
      });
      token = /\/telemetry\/#token=([\w-]{32})$/.exec(address)?.[1] ?? '';
    });
    afterAll(async () => {
      await app.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const services = (headers: Record<string, string>): Promise<Response> =>
      app.fetch('/telemetry/api/v1/services', { headers });

    it('prints the address with a token made at random', () => {
      expect(token).not.toBe('');
    });

    it('refuses requests without the token, also through a proxy on this machine that adds no header', async () => {
      expect((await services({})).status).toBe(401);
      expect((await services({ authorization: `Bearer ${token}` })).status).toBe(200);
    });

    it('signs a browser in by a cookie that outlives the browser and does not contain the token', async () => {
      const response = await app.fetch('/telemetry/api/v1/session', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'sec-fetch-site': 'same-origin' },
      });
      const cookie = response.headers.get('set-cookie') ?? '';
      expect(response.status).toBe(204);
      expect(cookie).toMatch(/; Path=\/telemetry; HttpOnly; SameSite=Strict; Max-Age=2592000$/);
      expect(cookie).not.toContain(token);
      expect((await services({ cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
    });

    it('refuses to sign in without the token, or for a page of another origin', async () => {
      const signIn = (headers: Record<string, string>) => statusAt(app, 'api/v1/session', headers, 'POST');
      expect(await signIn({})).toBe(401);
      expect(await signIn({ authorization: 'Bearer another-token-altogether' })).toBe(401);
      expect(await signIn({ authorization: `Bearer ${token}`, 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await signIn({ authorization: `Bearer ${token}`, origin: 'http://evil.example' })).toBe(403);
    });

    it('writes the token to standard output only: it is no log record', async () => {
      const authorization = `Bearer ${token}`;
      const search = async (text: string) => {
        const logs = await app.fetch(`/telemetry/api/v1/logs?text=${text}`, { headers: { authorization } });
        return (await logs.json()) as { items: { message: string }[] };
      };
      await app.fetch('/orders/1');
      await eventually('another line', () => app.log.lines.some(({ msg }) => msg === 'looking for an order'));
      await answered('the other line', async () => (await search('looking')).items.length > 0);
      const { items } = await search('dashboard');
      expect(items.filter(({ message }) => message.startsWith('The dashboard is at'))).toEqual([]);
    });

    it('keeps the token over a restart, so that bookmarks go on to work', async () => {
      const again = await RunningApp.start(platform, {
        telemetry: { environment: 'development', store: { file: join(folder, 'telemetry.db') } },
      });
      try {
        const response = await again.fetch('/telemetry/api/v1/services', {
          headers: { authorization: `Bearer ${token}` },
        });
        expect(response.status).toBe(200);
      } finally {
        await again.stop();
      }
    });

    it('slows down and reports wrong tokens, and answers the right one without delay', async () => {
      const durations: number[] = [];
      for (let index = 0; index < 6; index += 1) {
        const started = performance.now();
        const response = await services({ authorization: `Bearer wrong-token-number-${index}` });
        durations.push(performance.now() - started);
        expect(response.status).toBe(401);
      }
      // 250, 500 and 1,000 ms are added from the fourth on, after those that other tests have sent.
      expect(durations.at(-1)).toBeGreaterThan(900);
      const started = performance.now();
      const health = await app.fetch('/telemetry/api/v1/health', {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(performance.now() - started).toBeLessThan(durations.at(-1)!);
      const { warnings } = (await health.json()) as { warnings: { message: string; count: number }[] };
      const warning = warnings.find(({ message }) => message.includes('had a wrong token'));
      expect(warning?.message).toMatch(/^A request to the dashboard from 127\.0\.0\.1 had a wrong token\./);
      expect(warning?.count).toBeGreaterThanOrEqual(6);
    });

    it('refuses further tries unread while many wrong tokens are being answered', async () => {
      const statuses = await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const response = await services({ authorization: `Bearer wrong-again-number-${index}` });
          return [response.status, response.headers.get('retry-after')].join(' ');
        }),
      );
      expect(new Set(statuses)).toEqual(new Set(['401 ', '429 4']));
      expect(statuses.filter((each) => each === '401 ').length).toBeLessThanOrEqual(20);
    });
  });

  describe('a dashboard that takes OTLP', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(platform, { otlp: true });
    });
    afterAll(() => app.stop());

    const send = (
      signal: string,
      body: string | Buffer,
      headers: Record<string, string> = {},
    ): Promise<Response> =>
      app.fetch(`/telemetry/otlp/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : new Uint8Array(body),
      });
    const spanOf = (traceId: string) => {
      const now = Date.now();
      return {
        traceId,
        spanId: 'b7ad6b7169203331',
        name: 'GET /stock',
        kind: 2,
        startTimeUnixNano: `${now}000000`,
        endTimeUnixNano: `${now + 7}000000`,
      };
    };
    const requestOf = (...spans: object[]): string =>
      JSON.stringify({
        resourceSpans: [
          {
            resource: { attributes: [{ key: 'service.name', value: { stringValue: 'stock' } }] },
            scopeSpans: [{ scope: { name: 'flask' }, spans }],
          },
        ],
      });

    it('shows what another service has sent, packed or not', async () => {
      const [plain, packed] = [newCaller().traceId, newCaller().traceId];
      expect(await (await send('traces', requestOf(spanOf(plain)))).json()).toEqual({});
      const response = await send('traces', gzipSync(requestOf(spanOf(packed))), {
        'content-encoding': 'gzip',
      });
      expect([response.status, await response.json()]).toEqual([200, {}]);
      for (const traceId of [plain, packed])
        expect(await answered('the trace', () => ask(app, `traces/${traceId}`))).toMatchObject({
          summary: { traceId, service: 'stock', durationMs: 7 },
        });
    });

    it('takes protobuf', async () => {
      const field = (tag: number, value: Buffer): Buffer =>
        Buffer.concat([Buffer.from([tag * 8 + 2, value.length]), value]);
      const { traceId } = newCaller();
      const time = Buffer.alloc(9, 7 * 8 + 1);
      time.writeBigUInt64LE(BigInt(Date.now()) * 1_000_000n, 1);
      const end = Buffer.from(time);
      end[0] = 8 * 8 + 1;
      const span = Buffer.concat([
        field(1, Buffer.from(traceId, 'hex')),
        field(2, Buffer.from('b7ad6b7169203331', 'hex')),
        field(5, Buffer.from('work')),
        time,
        end,
      ]);
      const body = field(1, field(2, field(2, span)));
      const response = await send('traces', body, { 'content-type': 'application/x-protobuf' });
      expect(response.headers.get('content-type')).toBe('application/x-protobuf');
      expect((await response.arrayBuffer()).byteLength).toBe(0);
      const trace = await answered('the trace', () => ask<Trace>(app, `traces/${traceId}`));
      expect(trace.spans).toMatchObject([{ name: 'work', service: 'unknown_service' }]);
    });

    it('takes log lines and metrics', async () => {
      const stringValue = 'a line of another service';
      const logs = {
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityNumber: 13, body: { stringValue } }] }] }],
      };
      const dataPoints = [{ timeUnixNano: `${Date.now()}000000`, asDouble: 4 }];
      const metrics = {
        resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'depth', gauge: { dataPoints } }] }] }],
      };
      expect((await send('logs', JSON.stringify(logs))).status).toBe(200);
      expect((await send('metrics', JSON.stringify(metrics))).status).toBe(200);
      const lines = await answered('the line', async () => {
        const { items } = await ask<{ items: Json[] }>(app, 'logs?text=another+service');
        return items.length > 0 && items;
      });
      expect(lines).toMatchObject([{ level: 'warn', message: stringValue }]);
      await answered('the instrument', async () =>
        (await ask<Json[]>(app, 'metrics')).find(({ name }) => name === 'depth'),
      );
    });

    it('answers how many items it could not take, and takes the others', async () => {
      const { traceId } = newCaller();
      const response = await send('traces', requestOf(spanOf(traceId), spanOf('xyz')));
      expect([response.status, await response.json()]).toEqual([
        200,
        {
          partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('traceId') as unknown },
        },
      ]);
      await answered('the trace', () => ask(app, `traces/${traceId}`));
    });

    it.each<[string, string, Record<string, string>, number]>([
      ['JSON that is none', '{"resourceSpans":', {}, 400],
      ['a list', '[]', {}, 400],
      ['fields of another type', '{"resourceSpans":7}', {}, 400],
      ['gzip that is none', '{}', { 'content-encoding': 'gzip' }, 400],
      ['another packing', '{}', { 'content-encoding': 'br' }, 415],
    ])('answers %s with a Status that has the reason', async (_what, body, headers, status) => {
      const response = await send('traces', body, headers);
      expect([response.status, await response.json()]).toEqual([
        status,
        { code: 3, message: expect.any(String) as unknown },
      ]);
    });

    it('answers protobuf that is none with a Status in protobuf', async () => {
      const response = await send('traces', 'not protobuf', { 'content-type': 'application/x-protobuf' });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        400,
        'application/x-protobuf',
      ]);
      expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toContain('no OTLP request');
    });

    it('answers another type with the reason', async () => {
      const response = await send('traces', 'x', { 'content-type': 'text/plain' });
      expect([response.status, await response.json()]).toEqual([
        415,
        { error: { status: 415, message: expect.any(String) as unknown } },
      ]);
    });

    it('refuses a body that is too long, unpacked too', async () => {
      const long = Buffer.alloc(17 * 1_024 * 1_024, 0x20);
      expect((await send('traces', gzipSync(long), { 'content-encoding': 'gzip' })).status).toBe(413);
      const answer = await send('traces', long).then(
        ({ status }) => status,
        // The connection may be closed before everything was sent.
        () => 413,
      );
      expect(answer).toBe(413);
      expect((await send('traces', '{}')).status).toBe(200);
    });

    it('is only there where it was asked for', async () => {
      const { status } = await send('profiles', '{}');
      expect(status).toBe(404);
    });
  });

  describe('the place of the dashboard', () => {
    it('is not there in production', async () => {
      const app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        telemetry: { environment: 'production' },
      });
      try {
        expect((await app.fetch('/telemetry/api/v1/services')).status).toBe(404);
      } finally {
        await app.stop();
      }
    });

    it('is beyond the reach of prefixes, versions and global guards, and routes are known as they are', async () => {
      const app = await startDashboard(
        platform,
        {},
        {
          configure: (nest) => {
            nest.setGlobalPrefix('api');
            nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '2' });
            nest.useGlobalGuards(new DenyAll());
          },
        },
      );
      try {
        expect((await app.fetch('/api/v2/orders/1')).status).toBe(403);
        const routes = await ask<Json[]>(app, 'routes');
        expect(routes).toContainEqual(
          expect.objectContaining({ route: '/api/v2/orders/:id', handler: 'OrdersController.find' }),
        );
      } finally {
        await app.stop();
      }
    });

    it('is where it was put', async () => {
      const app = await startDashboard(platform, { path: '/ops/look' });
      try {
        expect((await app.fetch('/ops/look/api/v1/services')).status).toBe(200);
        expect((await app.fetch('/ops/looking')).status).toBe(404);
        expect((await app.fetch('/telemetry/api/v1/services')).status).toBe(404);
      } finally {
        await app.stop();
      }
    });

    if (platform.adapter === 'fastify')
      it('is reached over HTTP/2 too', async () => {
        const app = await startDashboard(platform, {}, { fastify: { http2: true } as object });
        const client = fromOutside(() => connect(app.origin));
        try {
          const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
            const stream = client.request({ ':path': '/telemetry/api/v1/services' });
            stream.on('response', resolve).on('error', reject).resume().end();
          });
          expect([headers[':status'], headers['x-content-type-options']]).toEqual([200, 'nosniff']);
        } finally {
          client.close();
          await app.stop();
        }
      });

    it("is that of each of two applications in one process, which know each other's routes", async () => {
      @Controller('stock')
      class StockController {
        @Get()
        list(): string {
          return 'stock';
        }
      }
      const first = await startDashboard(platform);
      const second = await startDashboard(platform, {}, { controllers: [StockController] });
      try {
        for (const app of [first, second]) {
          const routes = await ask<{ handler?: string }[]>(app, 'routes');
          expect(routes.map(({ handler }) => handler)).toEqual(
            expect.arrayContaining(['OrdersController.never', 'StockController.list']),
          );
        }
      } finally {
        await second.stop();
        await first.stop();
      }
    });

    it('is left to a route of the application', async () => {
      @Controller('telemetry')
      class OwnController {
        @Get('api/v1/services')
        own(): string {
          return 'mine';
        }
      }
      const app = await startDashboard(platform, {}, { controllers: [OwnController] });
      try {
        expect(await (await app.fetch('/telemetry/api/v1/services')).text()).toBe('mine');
      } finally {
        await app.stop();
      }
    });

    it('shows the spans of an SDK that the application has started', async () => {
      const theirs = new SpanCollector();
      const stopSdk = platform.startOwnSdk(theirs);
      const app = await startDashboard(platform);
      try {
        const { traceId } = trace.getTracer('theirs').startActiveSpan('hosted', { root: true }, (span) => {
          span.end();
          return span.spanContext();
        });
        const { spans } = await answered('the trace', () =>
          ask<{ spans: { name: string }[] }>(app, `traces/${traceId}`).catch(() => undefined),
        );
        expect(spans.map(({ name }) => name)).toEqual(['hosted']);
        expect(theirs.inTrace(traceId)).toHaveLength(1);
      } finally {
        await app.stop();
        await stopSdk();
      }
    });

    it('lets the application close while a client listens', async () => {
      const app = await startDashboard(platform);
      const response = await app.fetch('/telemetry/api/v1/stream');
      const ended = response.text();
      await app.app.close();
      expect(await ended).toContain('"beat"');
    });
  });
}
