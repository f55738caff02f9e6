import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { PassThrough, Readable } from 'node:stream';

import {
  Body,
  Controller,
  Get,
  HttpCode,
  type INestApplication,
  type MessageEvent,
  Post,
  Req,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import { SpanStatusCode } from '@opentelemetry/api';
import { getCurrentTraceId } from 'nestjs-telemetry';
import { type Observable, Subject } from 'rxjs';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { RawConnection } from './raw-connection.js';
import { newCaller, RunningApp } from './running-app.js';

const feed = { events: new Subject<MessageEvent>(), file: new PassThrough() };

@Controller('bodies')
class BodiesController {
  @Post('json')
  @HttpCode(200)
  json(@Body() body: object): object {
    return { keys: Object.keys(body).length, traceId: getCurrentTraceId() };
  }

  @Post('raw')
  @HttpCode(200)
  async raw(@Req() request: IncomingMessage & { raw?: IncomingMessage }): Promise<object> {
    const hash = createHash('sha256');
    const seen = new Set<string | undefined>();
    const message = request.raw ?? request;
    message.on('data', (chunk: Buffer) => {
      seen.add(getCurrentTraceId());
      hash.update(chunk);
    });
    await once(message, 'end');
    return { traceIds: [...seen], digest: hash.digest('hex').length };
  }

  @Get('chunked')
  chunked(): StreamableFile {
    return new StreamableFile(Readable.from(['one', 'two']));
  }

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(feed.file);
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return feed.events.asObservable();
  }
}

export function describeHttpBodies(platform: Platform): void {
  describe('requests with bodies', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [BodiesController],
        fastify: { bodyLimit: 64 * 1024 },
        configure: (nest) => {
          if (platform.adapter === 'fastify') leaveBodyTo(nest, 'application/x-raw');
        },
      });
    });
    afterAll(() => app.stop());
    beforeEach(() => {
      feed.events = new Subject();
      feed.file = new PassThrough();
    });

    const post = (path: string, body: string, type = 'application/json') => {
      const caller = newCaller();
      const headers = { 'content-type': type };
      return { caller, response: app.fetch(path, { caller, method: 'POST', headers, body }) };
    };

    const countOf = async (metric: string, route: string): Promise<[count: number, sum: number]> => {
      const page = await app.scrape();
      const read = (what: string): number =>
        Number(
          new RegExp(`^${metric}_bytes_${what}\\{[^}]*"${route}"[^}]*\\} (\\S+)$`, 'm').exec(page)?.[1] ?? 0,
        );
      return [read('count'), read('sum')];
    };

    it('keep their span behind the body parser, and are measured in bytes', async () => {
      const { caller, response } = post('/bodies/json', '{"a":1}');
      const text = await (await response).text();
      await app.spans.server(caller.traceId);
      expect(JSON.parse(text)).toEqual({ keys: 1, traceId: caller.traceId });
      expect(await countOf('http_server_request_body_size', '/bodies/json')).toEqual([1, 7]);
      expect(await countOf('http_server_response_body_size', '/bodies/json')).toEqual([1, text.length]);
    });

    it('keep their span for handlers that read the body by hand', async () => {
      const { caller, response } = post('/bodies/raw', 'x'.repeat(200_000), 'application/x-raw');
      expect(await (await response).json()).toEqual({ traceIds: [caller.traceId], digest: 64 });
    });

    it('are no error of the server when the body cannot be parsed', async () => {
      const { caller, response } = post('/bodies/json', '{"a":');
      const server = await app.spans.server(caller.traceId);
      expect((await response).status).toBe(400);
      expect(server.attributes['http.response.status_code']).toBe(400);
      expect(server.status.code).toBe(SpanStatusCode.UNSET);
      // Express parses bodies before it routes.
      expect(server.name).toBe(platform.adapter === 'fastify' ? 'POST /bodies/json' : 'POST');
    });

    it('are no error of the server when the body is too large', async () => {
      const { caller, response } = post('/bodies/json', JSON.stringify({ a: 'x'.repeat(200_000) }));
      const server = await app.spans.server(caller.traceId);
      expect((await response).status).toBe(413);
      expect(server.attributes['http.response.status_code']).toBe(413);
      expect(server.status.code).toBe(SpanStatusCode.UNSET);
    });

    it('have no size where no header has it', async () => {
      const caller = newCaller();
      await (await app.fetch('/bodies/chunked', { caller })).text();
      await app.spans.server(caller.traceId);
      expect(await countOf('http_server_request_body_size', '/bodies/chunked')).toEqual([0, 0]);
      expect(await countOf('http_server_response_body_size', '/bodies/chunked')).toEqual([0, 0]);
    });

    it('are recorded with the status that was sent when the client leaves a file halfway', async () => {
      const caller = newCaller();
      const connection = await RawConnection.open(app.port);
      connection.send('GET /bodies/file', { traceparent: caller.traceparent });
      feed.file.write('first');
      await connection.until('first');
      connection.close();
      const server = await app.spans.server(caller.traceId);
      expect(server.name).toBe('GET /bodies/file');
      expect(server.attributes['http.response.status_code']).toBe(200);
      expect(server.events.map(({ name }) => name)).toEqual(['http.request.aborted']);
    });

    it('are recorded when the stream of a file breaks', async () => {
      const caller = newCaller();
      const connection = await RawConnection.open(app.port);
      connection.send('GET /bodies/file', { traceparent: caller.traceparent });
      feed.file.write('first');
      await connection.until('first');
      feed.file.destroy(new Error('disk gone'));
      const server = await app.spans.server(caller.traceId);
      connection.close();
      expect(server.name).toBe('GET /bodies/file');
    });

    it('end like any other when the client leaves a stream of events, which has no other end', async () => {
      const caller = newCaller();
      const connection = await RawConnection.open(app.port);
      const headers = { traceparent: caller.traceparent, accept: 'text/event-stream' };
      connection.send('GET /bodies/events', headers);
      await eventually('a subscriber', () => feed.events.observed);
      feed.events.next({ data: 'first' });
      await connection.until('data: first');
      connection.close();
      const server = await app.spans.server(caller.traceId);
      expect(server.name).toBe('GET /bodies/events');
      expect(server.attributes['http.response.status_code']).toBe(200);
      expect(server.events).toEqual([]);
    });
  });

  it('a response that a raw handler pipes is followed to its end', async () => {
    const source = new PassThrough();
    const app = await RunningApp.start(platform, {
      configure: (nest) => {
        nest.getHttpAdapter().get('/piped', (_request: unknown, response: Piping) => {
          if (isReply(response)) response.send(source);
          else source.pipe(response);
        });
      },
    });
    try {
      const caller = newCaller();
      const connection = await RawConnection.open(app.port);
      connection.send('GET /piped', { traceparent: caller.traceparent });
      source.write('first');
      await connection.until('first');
      expect(app.spans.inTrace(caller.traceId)).toEqual([]);
      source.end('last');
      const server = await app.spans.server(caller.traceId);
      expect(server.name).toBe('GET /piped');
      expect(server.events).toEqual([]);
      connection.close();
    } finally {
      await app.stop();
    }
  });
}

/** Fastify refuses what it has no parser for. */
function leaveBodyTo(nest: INestApplication, type: string): void {
  const fastify = nest.getHttpAdapter().getInstance() as {
    addContentTypeParser(
      type: string,
      parser: (request: unknown, payload: unknown, done: () => void) => void,
    ): void;
  };
  fastify.addContentTypeParser(type, (_request, _payload, done) => {
    done();
  });
}

interface Reply {
  readonly raw: ServerResponse;
  send(payload: unknown): void;
}

type Piping = Reply | ServerResponse;

function isReply(response: Piping): response is Reply {
  return 'raw' in response;
}
