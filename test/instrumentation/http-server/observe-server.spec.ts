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

import { parseHost } from '../../../lib/instrumentation/http-server/server-span.js';
import { eventually } from '../../support/eventually.js';

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
