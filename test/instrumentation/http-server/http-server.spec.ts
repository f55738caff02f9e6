import 'nestjs-telemetry/testing/jest';

import { once } from 'node:events';
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { context, SpanKind, trace } from '@opentelemetry/api';
import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  configureTelemetry,
  instrumentExpress,
  instrumentFastify,
  type TelemetryHandle,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { createUserOf } from '../../../lib/instrumentation/http-server/application-hooks.js';
import { compileIgnoreRules } from '../../../lib/instrumentation/http-server/recording-settings.js';
import { parseHost } from '../../../lib/instrumentation/http-server/server-span.js';
import { watchRoutes } from '../../../lib/instrumentation/http-server/watch-routes.js';
import { eventually } from '../../support/eventually.js';
import { HOSTILE_VALUES } from '../../support/hostile-values.js';

describe('the HTTP server of an instance of its own', () => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle;
  let fastify: FastifyInstance;

  beforeEach(() => {
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({
      ...probe.options,
      instrumentation: { runtimeMetrics: false, http: false, redis: false, pg: false },
    });
    fastify = Fastify();
  });
  afterEach(async () => {
    await fastify.close();
    await telemetry.shutdown();
  });

  const serverSpans = () => probe.spans().filter(({ kind }) => kind === SpanKind.SERVER);

  it('records a request once, however many hooks see it', async () => {
    instrumentFastify(fastify);
    instrumentFastify(fastify);
    fastify.get('/orders/:id', () => 'one');
    await fastify.inject('/orders/7');
    await eventually(() => serverSpans().length > 0);
    expect(serverSpans().map(({ name }) => name)).toEqual(['GET /orders/:id']);
    expect(await probe.metricValue('http.server.request.duration', DURATION_LABELS)).toBe(1);
  });

  it('gives a request that a handler injects a span of its own below', async () => {
    instrumentFastify(fastify);
    fastify.get('/inner', () => 'inner');
    fastify.get('/outer', async () => (await fastify.inject('/inner')).body);
    await fastify.inject('/outer');
    await eventually(() => serverSpans().length === 2);
    expect(probe).toHaveSpan({ name: 'GET /inner', parent: 'GET /outer' });
  });

  it('completes the SERVER span that another instrumentation has opened, and leaves its end to it', async () => {
    instrumentFastify(fastify);
    fastify.get('/orders/:id', () => 'one');
    await fastify.ready();
    const foreign = trace.getTracer('another').startSpan('GET', { kind: SpanKind.SERVER });
    await context.with(trace.setSpan(context.active(), foreign), async () => {
      await fastify.inject('/orders/7');
    });
    expect(serverSpans().length).toBe(0);
    foreign.end();
    expect(probe).toHaveSpan({
      name: 'GET /orders/:id',
      attributes: { 'http.route': '/orders/:id', 'http.response.status_code': 200 },
    });
    expect(serverSpans()).toHaveLength(1);
  });

  it('answers a request whose own function for trusted proxies throws as the framework would', async () => {
    const app = express();
    instrumentExpress(app);
    app.set('trust proxy', () => {
      throw new Error('nobody to ask');
    });
    app.get('/orders/:id', (_request, response) => {
      response.json({});
    });
    const server: Server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const response = await fetch(`http://127.0.0.1:${port}/orders/7`, {
        headers: { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' },
      });
      await eventually(() => serverSpans().length === 1);
      expect(response.status).toBe(200);
      expect(probe.span('GET /orders/:id').attributes).toMatchObject({ 'url.scheme': 'http' });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

const DURATION_LABELS = {
  'http.request.method': 'GET',
  'http.response.status_code': 200,
  'http.route': '/orders/:id',
  'network.protocol.version': '1.1',
  'url.scheme': 'http',
};

describe('parseHost()', () => {
  it.each([
    ['shop.example:8080', 'http', 'shop.example', 8080],
    ['shop.example', 'http', 'shop.example', 80],
    ['shop.example', 'https', 'shop.example', 443],
    ['[::1]:3000', 'http', '[::1]', 3000],
    ['[::1]', 'https', '[::1]', 443],
    ['shop.example:nonsense', 'http', 'shop.example', 80],
  ])('reads %s over %s', (host, scheme, address, port) => {
    expect(parseHost(host, scheme)).toEqual({ address, port });
  });

  it.each([undefined, ''])('knows nothing of %j', (host) => {
    expect(parseHost(host, 'http')).toBeUndefined();
  });
});

describe('the hook that names the user of a request', () => {
  it.each(HOSTILE_VALUES.map(({ name, make }) => [name, make] as const))(
    'may return or throw %s, or have it as an id, and the request goes on',
    (_name, make) => {
      const hooks = [
        () => make(),
        () => ({ id: make() }),
        () => ({ id: 'ada', hash: make() }),
        () => {
          throw make();
        },
      ];
      for (const hook of hooks) {
        const user = createUserOf({ user: hook as never })!({});
        for (const [key, value] of Object.entries(user ?? {})) {
          expect(['user.id', 'user.hash']).toContain(key);
          expect(typeof value).toBe('string');
        }
      }
    },
  );

  it('hashes the same id to the same text with one key, and to another with another key', () => {
    const of = (userHashKey?: string) => createUserOf({ user: () => 'ada', userHashKey })!({})!['user.hash'];
    expect(of('a')).toMatch(/^[0-9a-f]{32}$/);
    expect(of('a')).toBe(of('a'));
    expect(new Set([of(), of('a'), of('b')]).size).toBe(3);
  });
});

describe('compileIgnoreRules()', () => {
  it('matches strings exactly', () => {
    const ignores = compileIgnoreRules(['/health']);
    expect([ignores('/health'), ignores('/healthy'), ignores('/api/health')]).toEqual([true, false, false]);
  });

  it('matches strings that end in * as prefixes', () => {
    const ignores = compileIgnoreRules(['/internal/*']);
    expect([ignores('/internal/jobs'), ignores('/internal')]).toEqual([true, false]);
  });

  it('matches templates of routes by the route itself and by its paths', () => {
    const ignores = compileIgnoreRules(['/jobs/:id/runs', '/files/*path']);
    expect(['/jobs/:id/runs', '/jobs/7/runs', '/files/a/b'].map(ignores)).toEqual([true, true, true]);
    expect(['/jobs/7', '/jobs/7/8/runs', '/file'].map(ignores)).toEqual([false, false, false]);
  });

  it('gives a global regular expression the same answer each time', () => {
    const ignores = compileIgnoreRules([/^\/live/g]);
    expect([ignores('/livez'), ignores('/livez'), ignores('/livez')]).toEqual([true, true, true]);
  });

  it('ignores nothing without rules', () => {
    expect(compileIgnoreRules([])('/metrics')).toBe(false);
  });
});

describe('watchRoutes()', () => {
  it('notes what is registered, hands it on, and leaves the adapter as it was', () => {
    const registered: unknown[] = [];
    class Adapter {
      get(...args: unknown[]): string {
        registered.push(args);
        return 'registered';
      }
    }
    const adapter = new Adapter();
    const watch = watchRoutes(adapter);
    const handler = (): void => undefined;
    expect(adapter.get('/a', handler)).toBe('registered');
    adapter.get(handler);
    watch.stop();
    adapter.get('/b', handler);
    expect(watch.routes).toEqual([{ method: 'GET', path: '/a', handler }]);
    expect(registered).toEqual([['/a', handler], [handler], ['/b', handler]]);
    expect(Object.hasOwn(adapter, 'get')).toBe(false);
  });
});
