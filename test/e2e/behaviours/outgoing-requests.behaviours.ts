import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';

import { Controller, Get, Injectable } from '@nestjs/common';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { injectTraceContext, TelemetryService, Trace } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

/** The service on the other side: remembers what it was sent, and fails when asked to. */
class Upstream {
  readonly received: IncomingHttpHeaders[] = [];
  private readonly server: Server = createServer((request, response) => {
    this.received.push(request.headers);
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

@Injectable()
class GeneratorService {
  constructor(private readonly telemetry: TelemetryService) {}

  @Trace('llm.generate')
  async generate(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${upstream.port}${path}`);
    return response.text();
  }

  headers(): Record<string, string> {
    return this.telemetry.trace('by_hand', () => injectTraceContext({ accept: 'text/plain' }));
  }
}

@Controller()
class GeneratorController {
  constructor(private readonly generator: GeneratorService) {}

  @Get('generate')
  generate(): Promise<string> {
    return this.generator.generate('/v1/generate?key=value');
  }

  @Get('broken')
  broken(): Promise<string> {
    return this.generator.generate('/broken');
  }

  @Get('headers')
  headers(): Record<string, string> {
    return this.generator.headers();
  }
}

export function describeOutgoingRequests(platform: Platform): void {
  describe('a request out by fetch', () => {
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

    it('is a client span below the span that made it, with the attributes of the semantic conventions', async () => {
      const caller = newCaller();
      await app.fetch('/generate', { caller });
      const client = await clientSpan(app, caller.traceId);
      const parent = await app.spans.named(caller.traceId, 'llm.generate');
      expect(client.name).toBe('GET');
      expect(client.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
      expect(client.attributes).toMatchObject({
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': upstream.port,
        'url.full': expect.stringContaining(`http://127.0.0.1:${upstream.port}/v1/generate`) as string,
      });
    });

    it('carries the traceparent of that client span', async () => {
      const caller = newCaller();
      upstream.received.length = 0;
      await app.fetch('/generate', { caller });
      const client = await clientSpan(app, caller.traceId);
      expect(upstream.received.map(({ traceparent }) => traceparent)).toEqual([
        `00-${caller.traceId}-${client.spanContext().spanId}-01`,
      ]);
    });

    it('is an error when the other side answers 5xx', async () => {
      const caller = newCaller();
      const response = await app.fetch('/broken', { caller });
      const client = await clientSpan(app, caller.traceId);
      expect(response.status).toBe(200);
      expect(client.status.code).toBe(SpanStatusCode.ERROR);
      expect(client.attributes['http.response.status_code']).toBe(503);
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
}

async function clientSpan(app: RunningApp, traceId: string) {
  await app.spans.server(traceId);
  const clients = app.spans.inTrace(traceId).filter(({ kind }) => kind === SpanKind.CLIENT);
  expect(clients).toHaveLength(1);
  return clients[0]!;
}
