import 'nestjs-telemetry/testing/jest';

import { channel, tracingChannel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { SpanKind } from '@opentelemetry/api';
import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import { Redis } from 'ioredis';
import {
  configureTelemetry,
  getCurrentTraceId,
  getTelemetry,
  instrumentAll,
  instrumentExpress,
  instrumentFastify,
  instrumentHttp,
  instrumentMysql,
  instrumentRedis,
  type TelemetryHandle,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { startRedisServer } from '../../sample-app/embedded/redis-server.js';
import { eventually } from '../support/eventually.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

const headers = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`, 'content-type': 'application/json' };

describe('instrumentations called by hand', () => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle;

  beforeEach(() => {
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({
      ...probe.options,
      instrumentation: { runtimeMetrics: false, http: false, redis: false, pg: false },
    });
  });
  afterEach(async () => {
    await telemetry.shutdown();
  });

  const serverSpans = () => probe.spans().filter(({ kind }) => kind === SpanKind.SERVER);

  describe('instrumentFastify()', () => {
    it('records the requests of a Fastify instance, keeps the trace in the handler, and stops when undone', async () => {
      const fastify: FastifyInstance = Fastify();
      const undo = instrumentFastify(fastify);
      fastify.post('/orders/:id', () => ({ traceId: getCurrentTraceId() }));
      try {
        const origin = await fastify.listen({ port: 0, host: '127.0.0.1' });
        const ask = async (): Promise<unknown> =>
          (await fetch(`${origin}/orders/7`, { method: 'POST', headers, body: '{"a":1}' })).json();
        await expect(ask()).resolves.toEqual({ traceId: TRACE_ID });
        await eventually(() => serverSpans().length === 1);
        expect(serverSpans()[0]!.name).toBe('POST /orders/:id');
        undo();
        await expect(ask()).resolves.toEqual({});
        expect(serverSpans()).toHaveLength(1);
      } finally {
        await fastify.close();
      }
    });
  });

  it('follow the ignore rules of the telemetry that runs when the request comes', async () => {
    const fastify: FastifyInstance = Fastify();
    instrumentFastify(fastify);
    fastify.get('/health', () => ({}));
    fastify.get('/private', () => ({}));
    try {
      const origin = await fastify.listen({ port: 0, host: '127.0.0.1' });
      await (await fetch(`${origin}/health`)).text();
      await (await fetch(`${origin}/private`)).text();
      await eventually(() => serverSpans().length === 1);
      expect(serverSpans()[0]!.name).toBe('GET /private');

      await telemetry.shutdown();
      probe = createTelemetryProbe();
      telemetry = configureTelemetry({
        ...probe.options,
        instrumentation: { runtimeMetrics: false, http: false, httpServer: { ignore: ['/private'] } },
      });
      await (await fetch(`${origin}/private`)).text();
      await (await fetch(`${origin}/health`)).text();
      await eventually(() => serverSpans().length === 1);
      expect(serverSpans()[0]!.name).toBe('GET /health');
    } finally {
      await fastify.close();
    }
  });

  describe('instrumentExpress()', () => {
    it('records the requests of an Express application, keeps the trace behind the body parser, and stops when undone', async () => {
      const app = express();
      const undo = instrumentExpress(app);
      app.use(express.json());
      app.post('/orders/:id', (_request, response) => {
        response.json({ traceId: getCurrentTraceId() });
      });
      const server: Server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/orders/7`;
        const ask = async (): Promise<unknown> =>
          (await fetch(url, { method: 'POST', headers, body: '{"a":1}' })).json();
        await expect(ask()).resolves.toEqual({ traceId: TRACE_ID });
        await eventually(() => serverSpans().length === 1);
        expect(serverSpans()[0]!.name).toBe('POST /orders/:id');
        undo();
        await expect(ask()).resolves.toEqual({});
        expect(serverSpans()).toHaveLength(1);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  });

  describe('instrumentHttp() and instrumentAll()', () => {
    it('share one subscription, so that a request gets one span, until the last of them is undone', async () => {
      const server = createServer((request, response) => response.end(request.headers.traceparent ?? 'none'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
      const ask = async (): Promise<unknown> => (await fetch(url)).text();
      try {
        const undoHttp = instrumentHttp();
        const undoAll = instrumentAll();
        await ask();
        await eventually(() => probe.spans().length > 0);
        expect(probe.spans().map(({ name }) => name)).toEqual(['GET']);
        undoHttp();
        await expect(ask()).resolves.toMatch(/^00-/);
        undoAll();
        undoAll();
        await expect(ask()).resolves.toBe('none');
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  });

  describe('instrumentRedis()', () => {
    let server: Awaited<ReturnType<typeof startRedisServer>>;
    let redis: Redis;

    beforeEach(async () => {
      server = await startRedisServer(0);
      redis = new Redis(server.url);
      await redis.ping();
    });
    afterEach(async () => {
      redis.disconnect();
      await server.stop();
    });

    it('gives a command made inside a span one CLIENT span, with its value left out', async () => {
      const undo = instrumentRedis();
      await getTelemetry('cache').trace('caller', async () => {
        await redis.set('user:1', 'secret');
        await redis.get('user:1');
      });
      undo();
      expect(probe).toHaveSpan({
        name: 'redis.set',
        kind: 'client',
        attributes: {
          'db.system.name': 'redis',
          'db.operation.name': 'SET',
          'db.query.text': 'SET user:1 ?',
          'db.namespace': '0',
        },
        times: 1,
      });
      expect(probe).toHaveSpan({ name: 'redis.get', parent: 'caller', times: 1 });
    });

    it('records the error of a command that fails', async () => {
      const undo = instrumentRedis();
      await getTelemetry('cache').trace('caller', async () => {
        await expect(redis.call('NOSUCHCOMMAND')).rejects.toThrow();
      });
      undo();
      expect(probe.span('redis.nosuchcommand').events.map(({ name }) => name)).toEqual(['exception']);
    });

    it('leaves commands outside a span alone', async () => {
      const undo = instrumentRedis();
      await redis.get('user:1');
      undo();
      expect(probe.spans()).toEqual([]);
    });
  });
});

const CHANNELS = [
  'undici:request:create',
  'http.client.request.created',
  'tracing:ioredis:command:start',
  'tracing:node-redis:command:start',
  'tracing:mysql2:query:start',
];
/** Versions without channels are patched when they are loaded. Running telemetry follows what is loaded too, for late providers. */
const followsLoading = () => channel('tracing:module.require:end').hasSubscribers;

describe('instrumentAll()', () => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle;
  let followedBefore: boolean;
  const subscribed = () => CHANNELS.filter((name) => channel(name).hasSubscribers);

  beforeEach(() => {
    followedBefore = followsLoading();
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({ ...probe.options, instrumentation: false });
  });
  afterEach(() => telemetry.shutdown());

  it('listens to every client, and its undo leaves nothing behind', async () => {
    expect(subscribed()).toEqual([]);
    const undo = instrumentAll();
    expect(subscribed()).toEqual(CHANNELS);
    undo();
    expect(subscribed()).toEqual([]);
    await telemetry.shutdown();
    expect(followsLoading()).toBe(followedBefore);
  });

  it('leaves a client to the instrumentations that still use it', () => {
    const undoMysql = instrumentMysql();
    const undoAll = instrumentAll();
    undoAll();
    expect(subscribed()).toEqual(['tracing:mysql2:query:start']);
    undoMysql();
    expect(subscribed()).toEqual([]);
  });

  it('records what a driver announces, once, with a failure before anything was waited for', () => {
    const undo = [instrumentMysql(), instrumentAll(), instrumentRedis()];
    const queries = tracingChannel('mysql2:query');
    const message = {
      query: "SELECT * FROM users WHERE name = 'Ada'",
      database: 'shop',
      serverAddress: 'db',
      serverPort: 3306,
    };
    getTelemetry('test').trace('caller', () => {
      expect(() =>
        queries.traceSync(() => {
          throw new RangeError('not sent');
        }, message),
      ).toThrow('not sent');
    });
    for (const stop of undo) stop();
    expect(probe).toHaveSpan({
      name: 'SELECT users',
      parent: 'caller',
      attributes: { 'db.query.text': 'SELECT * FROM users WHERE name = ?', 'error.type': 'RangeError' },
      times: 1,
    });
  });
});
