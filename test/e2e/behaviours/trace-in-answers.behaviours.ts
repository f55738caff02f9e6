import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { connect } from 'node:http2';
import { Readable } from 'node:stream';

import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Header,
  HttpException,
  Res,
  UseFilters,
} from '@nestjs/common';
import { type TelemetryOptions } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { fromOutside, newCaller, RunningApp } from './running-app.js';

/** Fastify's reply or Express's response. */
interface Answer {
  readonly raw?: ServerResponse;
  status(code: number): Answer;
  send(body: unknown): unknown;
  type(type: string): Answer;
}

function rawOf(answer: unknown): ServerResponse {
  return (answer as Answer).raw ?? (answer as ServerResponse);
}

const SHARED = Object.freeze({ statusCode: 400, message: 'always the same' });
const LINK = '</style.css>; rel=preload; as=style';

class Problem {
  constructor(readonly title: string) {}
}

/** What the application's own filter answers, by the message of the exception. */
const BODIES: Readonly<Record<string, () => unknown>> = {
  'own shape': () => ({ code: 'E1', detail: { reason: 'none' } }),
  'own id': () => ({ code: 'E2', traceId: 'mine' }),
  text: () => 'it failed',
  list: () => ['it failed'],
  buffer: () => Buffer.from('it failed'),
  stream: () => Readable.from(['it ', 'failed']),
  instance: () => new Problem('it failed'),
};

@Catch()
class OwnFilter implements ExceptionFilter {
  catch(exception: Error, host: ArgumentsHost): void {
    const answer = host.switchToHttp().getResponse<Answer>();
    const body = BODIES[exception.message]?.();
    if (body instanceof Readable && answer.raw === undefined) body.pipe(rawOf(answer));
    else answer.status(418).send(body);
  }
}

@Catch()
class ProblemFilter implements ExceptionFilter {
  catch(_exception: Error, host: ArgumentsHost): void {
    const answer = host.switchToHttp().getResponse<Answer>();
    answer.status(422).type('application/problem+json').send({ type: 'about:blank', title: 'No stock' });
  }
}

@Controller('answers')
class AnswersController {
  @Get('plain')
  plain(): object {
    return { ok: true };
  }

  @Get('timed')
  @Header('Server-Timing', 'db;dur=5')
  timed(): object {
    return { ok: true };
  }

  @Get('own-response')
  @Header('traceresponse', 'mine')
  ownResponse(): object {
    return { ok: true };
  }

  @Get('raw/:form')
  raw(@Res() answer: unknown): void {
    const response = rawOf(answer);
    const form = response.req.url?.split('/').at(-1);
    const headers = form === 'list' ? ['Server-Timing', 'db;dur=5'] : { 'Server-Timing': 'db;dur=5' };
    response.writeHead(200, headers as Record<string, string>);
    response.end('raw');
  }

  @Get('hinted')
  hinted(@Res() answer: unknown): void {
    const response = rawOf(answer);
    response.writeEarlyHints({ link: LINK });
    response.end('hinted');
  }

  @Get('streamed')
  streamed(@Res() answer: unknown): void {
    const response = rawOf(answer);
    response.write('first');
    response.end('last');
  }

  @Get('refused')
  refused(): never {
    throw new BadRequestException({ statusCode: 400, message: ['name is missing'], field: 'name' });
  }

  @Get('shared')
  shared(): never {
    throw new HttpException(SHARED, 400);
  }

  @Get('broken')
  broken(): never {
    throw new Error('a bug');
  }

  @Get('own/:body')
  @UseFilters(OwnFilter)
  own(@Res() answer: unknown): never {
    throw new Error(decodeURIComponent(rawOf(answer).req.url?.split('/').at(-1) ?? ''));
  }

  @Get('problem')
  @UseFilters(ProblemFilter)
  problem(): never {
    throw new Error('no stock');
  }
}

type Next = (error?: unknown) => void;

/** A middleware that refuses, and one that sets a header before any handler. */
function useMiddleware({ app }: { app: { use(...args: unknown[]): unknown } }): void {
  app.use((request: { originalUrl?: string; url?: string }, response: ServerResponse, next: Next) => {
    const url = request.originalUrl ?? request.url ?? '';
    if (url.endsWith('/timed-early')) response.setHeader('server-timing', 'auth;dur=1');
    next(url.endsWith('/refused-early') ? new BadRequestException('too early') : undefined);
  });
}

function start(
  platform: Platform,
  httpServer: NonNullable<Exclude<TelemetryOptions['instrumentation'], boolean>>['httpServer'],
  telemetry: TelemetryOptions = {},
  fastify?: object,
): Promise<RunningApp> {
  return RunningApp.start(platform, {
    controllers: [AnswersController],
    telemetry: { ...telemetry, instrumentation: { httpServer: httpServer ?? true } },
    ...(fastify !== undefined && { fastify }),
    configure: (app) => {
      useMiddleware({ app });
    },
  });
}

export function describeTraceInAnswers(platform: Platform): void {
  describe('headers of responses that show the trace', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await start(platform, {
        responseHeaders: ['traceresponse', 'server-timing'],
        ignore: ['/answers/timed-early'],
      });
    });
    afterAll(() => app.stop());

    /** Asks, and returns the response and the value that it must show. */
    const ask = async (path: string): Promise<{ response: Response; shown: string }> => {
      const caller = newCaller();
      const response = await app.fetch(path, { caller });
      await response.arrayBuffer();
      const { spanId } = (await app.spans.server(caller.traceId)).spanContext();
      return { response, shown: `00-${caller.traceId}-${spanId}-01` };
    };

    it.each([
      ['an answer', '/answers/plain', 200],
      ['an answer in parts', '/answers/streamed', 200],
      ['a refusal', '/answers/refused', 400],
      ['a failure', '/answers/broken', 500],
      ['a path without a route', '/nowhere', 404],
    ])('are on %s, with the ids of the server span', async (_name, path, status) => {
      const { response, shown } = await ask(path);
      expect(response.status).toBe(status);
      expect(response.headers.get('traceresponse')).toBe(shown);
      expect(response.headers.get('server-timing')).toBe(`traceparent;desc="${shown}"`);
    });

    it.each(['timed', 'raw/object', 'raw/list'])(
      'are appended to the Server-Timing of the application (%s)',
      async (path) => {
        const { response, shown } = await ask(`/answers/${path}`);
        expect(response.headers.get('server-timing')).toBe(`db;dur=5, traceparent;desc="${shown}"`);
        expect(response.headers.get('traceresponse')).toBe(shown);
      },
    );

    it('leave a traceresponse of the application alone', async () => {
      const { response } = await ask('/answers/own-response');
      expect(response.headers.get('traceresponse')).toBe('mine');
    });

    it('are on the response that follows early hints', async () => {
      const { response, shown } = await ask('/answers/hinted');
      expect(response.headers.get('traceresponse')).toBe(shown);
    });

    it('are not on answers to ignored paths', async () => {
      const response = await app.fetch('/answers/timed-early');
      expect(response.headers.get('traceresponse')).toBeNull();
      expect(response.headers.get('server-timing')).toBe('auth;dur=1');
    });
  });

  it('headers of responses show that a trace is not sampled', async () => {
    const app = await start(platform, { responseHeaders: ['traceresponse'] }, { sampling: { ratio: 0 } });
    try {
      const response = await app.fetch('/answers/plain');
      expect(response.headers.get('traceresponse')).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
      expect(response.headers.get('server-timing')).toBeNull();
    } finally {
      await app.stop();
    }
  });

  it('responses show nothing of their trace by default', async () => {
    const app = await start(platform, undefined);
    try {
      for (const path of ['/answers/plain', '/answers/refused']) {
        const response = await app.fetch(path);
        expect(response.headers.get('traceresponse')).toBeNull();
        expect(response.headers.get('server-timing')).toBeNull();
        expect(await response.json()).not.toHaveProperty('traceId');
      }
    } finally {
      await app.stop();
    }
  });

  // Express has no HTTP/2.
  if (platform.adapter === 'fastify') {
    it('headers of responses show the trace over HTTP/2', async () => {
      const app = await start(
        platform,
        { responseHeaders: ['traceresponse', 'server-timing'] },
        {},
        {
          http2: true,
        },
      );
      const session = fromOutside(() => connect(app.origin));
      try {
        const caller = newCaller();
        const stream = session.request({ ':path': '/answers/timed', traceparent: caller.traceparent });
        const [headers] = (await once(stream, 'response')) as [Record<string, string>];
        stream.resume();
        const { spanId } = (await app.spans.server(caller.traceId)).spanContext();
        const shown = `00-${caller.traceId}-${spanId}-01`;
        expect(headers.traceresponse).toBe(shown);
        expect(headers['server-timing']).toBe(`db;dur=5, traceparent;desc="${shown}"`);
      } finally {
        session.destroy();
        await app.stop();
      }
    });
  }

  describe('the trace id in bodies of errors', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await start(platform, { traceIdInErrors: true, ignore: ['/answers/shared'] });
    });
    afterAll(() => app.stop());

    it.each([
      [
        'an HttpException of an object',
        '/answers/refused',
        { statusCode: 400, message: ['name is missing'], field: 'name' },
      ],
      ['an error', '/answers/broken', { statusCode: 500, message: 'Internal server error' }],
      ['an exception of a middleware', '/answers/refused-early', { statusCode: 400, message: 'too early' }],
      ['a path without a route', '/nowhere', { statusCode: 404, message: 'Cannot GET /nowhere' }],
      ['a filter of the application', '/answers/own/own%20shape', { code: 'E1', detail: { reason: 'none' } }],
      ['a problem of RFC 9457', '/answers/problem', { type: 'about:blank', title: 'No stock' }],
    ])('is added to the answer to %s', async (_name, path, body) => {
      const caller = newCaller();
      const response = await app.fetch(path, { caller });
      expect(await response.json()).toMatchObject({ ...body, traceId: caller.traceId });
    });

    it('leaves the other keys of the body as they are', async () => {
      const answered = async (path: string): Promise<readonly string[]> =>
        Object.keys((await (await app.fetch(path)).json()) as object);
      expect(await answered('/answers/own/own%20shape')).toEqual(['code', 'detail', 'traceId']);
      expect(await answered('/answers/problem')).toEqual(['type', 'title', 'traceId']);
    });

    it('keeps the content type of a problem', async () => {
      const response = await app.fetch('/answers/problem');
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    });

    it.each([
      ['an id of the application', 'own id', '{"code":"E2","traceId":"mine"}'],
      ['a text', 'text', 'it failed'],
      ['an array', 'list', '["it failed"]'],
      ['a buffer', 'buffer', 'it failed'],
      ['a stream', 'stream', 'it failed'],
      ['an instance of a class', 'instance', '{"title":"it failed"}'],
    ])('leaves %s alone', async (_name, body, expected) => {
      const response = await app.fetch(`/answers/own/${encodeURIComponent(body)}`);
      expect(await response.text()).toBe(expected);
    });

    it('is in no answer to HEAD, nor to ignored paths, nor in answers without an exception', async () => {
      const get = await app.fetch('/answers/broken');
      const length = (await get.text()).length;
      const head = await app.fetch('/answers/broken', { method: 'HEAD' });
      const headLength = head.headers.get('content-length');
      if (headLength !== null) expect(Number(headLength)).toBeLessThan(length);
      expect(await (await app.fetch('/answers/shared')).json()).toEqual(SHARED);
      expect(await (await app.fetch('/answers/plain')).json()).toEqual({ ok: true });
    });

    it('is that of the request line', async () => {
      const caller = newCaller();
      await app.fetch('/answers/broken', { caller });
      const line = await eventually('the request line', () =>
        app.log.lines.find(({ trace_id, context }) => trace_id === caller.traceId && context === 'HTTP'),
      );
      expect(line).toMatchObject({ status: 500 });
    });
  });

  it('the trace id in bodies of errors is not written into the object of the exception', async () => {
    const app = await start(platform, { traceIdInErrors: true });
    try {
      const callers = [newCaller(), newCaller()];
      for (const caller of callers) {
        const response = await app.fetch('/answers/shared', { caller });
        expect(await response.json()).toEqual({ ...SHARED, traceId: caller.traceId });
      }
    } finally {
      await app.stop();
    }
  });
}
