import { createServer, get, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { Controller, Get, Injectable, Query } from '@nestjs/common';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import axios from 'axios';
import { injectTraceContext, TelemetryService, Trace } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

/** The service on the other side: remembers what it was sent, and fails when asked to. */
class Upstream {
  readonly received: IncomingHttpHeaders[] = [];
  private readonly server: Server = createServer((request, response) => {
    this.received.push(request.headers);
    if (request.url === '/moved') {
      response.writeHead(302, { location: '/v1/generate' }).end();
      return;
    }
    response.statusCode = request.url?.startsWith('/broken') ? 503 : 200;
    response.end('upstream');
  });

  listen(): Promise<void> {
    return new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) =>
      this.server.close(() => {
        resolve();
      }),
    );
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }
}

const upstream = new Upstream();

/** The ways out that applications use, by their names; each gives the text that came back, whatever its status. */
const CLIENTS: Readonly<Record<string, (url: string) => Promise<string>>> = {
  fetch: async (url) => (await fetch(url)).text(),
  'node:http': (url) =>
    new Promise((resolve, reject) => {
      get(url, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => {
          resolve(text);
        });
      }).on('error', reject);
    }),
  axios: async (url) => (await axios.get<string>(url, { validateStatus: () => true })).data,
};

@Injectable()
class GeneratorService {
  constructor(private readonly telemetry: TelemetryService) {}

  @Trace('llm.generate')
  async generate(client: string, path: string): Promise<string> {
    return CLIENTS[client]!(`http://127.0.0.1:${upstream.port}${path}`);
  }

  headers(): Record<string, string> {
    return this.telemetry.trace('by_hand', () => injectTraceContext({ accept: 'text/plain' }));
  }
}

@Controller()
class GeneratorController {
  constructor(private readonly generator: GeneratorService) {}

  @Get('generate')
  generate(@Query('by') client: string): Promise<string> {
    return this.generator.generate(client, '/v1/generate?key=value');
  }

  @Get('broken')
  broken(@Query('by') client: string): Promise<string> {
    return this.generator.generate(client, '/broken');
  }

  @Get('moved')
  moved(@Query('by') client: string): Promise<string> {
    return this.generator.generate(client, '/moved');
  }

  @Get('headers')
  headers(): Record<string, string> {
    return this.generator.headers();
  }
}

export function describeOutgoingRequests(platform: Platform): void {
  describe('a request out', () => {
    let app: RunningApp;
    beforeAll(async () => {
      await upstream.listen();
      app = await RunningApp.start(platform, {
        controllers: [GeneratorController],
        providers: [GeneratorService],
      });
    });
    afterAll(async () => {
      await app.stop();
      await upstream.close();
    });

    describe.each(Object.keys(CLIENTS))('by %s', (client) => {
      it('is a client span below the span that made it, with the attributes of the semantic conventions', async () => {
        const caller = newCaller();
        const response = await app.fetch(`/generate?by=${client}`, { caller });
        expect(await response.text()).toBe('upstream');
        const [span, ...others] = await clientSpans(app, caller.traceId);
        const parent = await app.spans.named(caller.traceId, 'llm.generate');
        expect(others).toEqual([]);
        expect(span!.name).toBe('GET');
        expect(span!.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
        expect(span!.attributes).toMatchObject({
          'http.request.method': 'GET',
          'http.response.status_code': 200,
          'server.address': '127.0.0.1',
          'server.port': upstream.port,
          'url.full': `http://127.0.0.1:${upstream.port}/v1/generate`,
        });
      });

      it('carries the traceparent of that client span', async () => {
        const caller = newCaller();
        upstream.received.length = 0;
        await app.fetch(`/generate?by=${client}`, { caller });
        const [span] = await clientSpans(app, caller.traceId);
        expect(upstream.received.map(({ traceparent }) => traceparent)).toEqual([
          `00-${caller.traceId}-${span!.spanContext().spanId}-01`,
        ]);
      });

      it('is an error when the other side answers 5xx', async () => {
        const caller = newCaller();
        const response = await app.fetch(`/broken?by=${client}`, { caller });
        const [span] = await clientSpans(app, caller.traceId);
        expect(response.status).toBe(200);
        expect(span!.status.code).toBe(SpanStatusCode.ERROR);
        expect(span!.attributes['http.response.status_code']).toBe(503);
      });

      it('is measured, in a trace that is not sampled too', async () => {
        const caller = newCaller();
        const before = await measuredRequests(app);
        upstream.received.length = 0;
        const traceparent = caller.traceparent.replace(/01$/, '00');
        await app.fetch(`/generate?by=${client}`, { headers: { traceparent } });
        expect(upstream.received[0]?.traceparent).toMatch(
          new RegExp(`^00-${caller.traceId}-[0-9a-f]{16}-00$`),
        );
        expect(app.spans.inTrace(caller.traceId)).toEqual([]);
        expect(await measuredRequests(app)).toBe(before + 1);
      });
    });

    it('that is redirected is two spans for a client that asks again by itself', async () => {
      const caller = newCaller();
      await app.fetch('/moved?by=axios', { caller });
      const spans = await clientSpans(app, caller.traceId);
      expect(
        spans.map(({ attributes }) => [
          attributes['http.response.status_code'],
          attributes['http.request.resend_count'],
        ]),
      ).toEqual([
        [302, undefined],
        [200, 1],
      ]);
    });

    it('can be given its context by hand', async () => {
      const caller = newCaller();
      const response = await app.fetch('/headers', { caller });
      const span = await app.spans.named(caller.traceId, 'by_hand');
      expect(await response.json()).toMatchObject({
        accept: 'text/plain',
        traceparent: `00-${caller.traceId}-${span.spanContext().spanId}-01`,
      });
    });
  });

  describe('what exporters send', () => {
    it('is never recorded', async () => {
      const received: string[] = [];
      const collector = createServer((request, response) => {
        received.push(request.url ?? '');
        request.resume().on('end', () => response.end());
      });
      await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
      const { port } = collector.address() as AddressInfo;
      const app = await RunningApp.start(platform, {
        controllers: [GeneratorController],
        providers: [GeneratorService],
        telemetry: {
          otlpEndpoint: `http://127.0.0.1:${port}`,
          jaegerEndpoint: `http://127.0.0.1:${port}/api/traces`,
        },
      });
      await app.fetch('/headers');
      await app.stop();
      collector.closeAllConnections();
      await new Promise((resolve) => collector.close(resolve));
      // OpenTelemetry's OTLP exporters import node:http when they send first: jest of Nest 11 has no import().
      const otlp = platform.nest === 11 ? [] : ['/v1/traces', '/v1/metrics'];
      expect(received).toEqual(expect.arrayContaining([...otlp, '/api/traces']));
      expect(app.spans.started.filter(({ kind }) => kind === SpanKind.CLIENT)).toEqual([]);
    });
  });
}

/** The client spans of a trace in the order they began, once its request is over. */
async function clientSpans(app: RunningApp, traceId: string) {
  await app.spans.server(traceId);
  const clients = app.spans.inTrace(traceId).filter(({ kind }) => kind === SpanKind.CLIENT);
  expect(clients).not.toEqual([]);
  return clients;
}

/** How many requests to the other side `http.client.request.duration` counts. */
async function measuredRequests(app: RunningApp): Promise<number> {
  const counts = (await app.scrape())
    .split('\n')
    .filter((line) => line.startsWith('http_client_request_duration_seconds_count'))
    .filter((line) => line.includes(`server_port="${upstream.port}"`));
  return counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
