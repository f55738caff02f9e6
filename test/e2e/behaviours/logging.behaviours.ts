import { PassThrough } from 'node:stream';

import {
  type CanActivate,
  Controller,
  Get,
  Injectable,
  Logger,
  NotFoundException,
  type OnModuleInit,
  Req,
  ServiceUnavailableException,
  StreamableFile,
  UseGuards,
} from '@nestjs/common';
import { TelemetryService, Trace } from 'nestjs-telemetry';
import { pino } from 'pino';
import { type Observable, throwError } from 'rxjs';

import { eventually } from '../../support/eventually.js';
import { type LogLine, WrittenLines } from './collectors.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

@Injectable()
class AuditService implements OnModuleInit {
  private readonly nestLogger = new Logger('Audit');

  constructor(private readonly telemetry: TelemetryService) {}

  onModuleInit(): void {
    this.telemetry.logInfo('audit is ready', { files: 3 });
  }

  record(id: string): { spanId: string | undefined } {
    return this.telemetry.trace('record', () => {
      this.telemetry.logInfo(`recorded by the service ${id}`, { id });
      this.nestLogger.warn(`recorded by Nest ${id}`);
      try {
        throw new RangeError('disk full', { cause: new TypeError('no space') });
      } catch (error) {
        this.telemetry.logError(`failed ${id}`, error);
      }
      return { spanId: this.telemetry.getCurrentSpanId() };
    });
  }
}

@Injectable()
class DenyAll implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class BrokenGuard implements CanActivate {
  canActivate(): boolean {
    throw new TypeError('no session store');
  }
}

/** What the tests hold while a response is under way. */
const pending = { file: new PassThrough(), fail: (): void => undefined };

@Controller()
class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get('audit/:id')
  record(): { spanId: string | undefined } {
    return this.audit.record('one');
  }

  @Get('fails')
  fails(): never {
    throw new RangeError('audit failed');
  }

  @Get('traced')
  @Trace()
  traced(): string {
    return 'traced';
  }

  @Get('missing')
  missing(): Promise<never> {
    return Promise.reject(new NotFoundException('gone'));
  }

  @Get('refused')
  @UseGuards(DenyAll)
  refused(): string {
    return 'never';
  }

  @Get('guarded')
  @UseGuards(BrokenGuard)
  guarded(): string {
    return 'never';
  }

  @Get('unavailable')
  unavailable(): Promise<never> {
    return Promise.reject(new ServiceUnavailableException('no stock service'));
  }

  @Get('streamed')
  streamed(): Observable<never> {
    return throwError(() => new RangeError('stream broke'));
  }

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(pending.file, { type: 'text/plain' });
  }

  @Get('held')
  async held(): Promise<never> {
    await new Promise<void>((resolve) => {
      pending.fail = resolve;
    });
    throw new RangeError('too late');
  }

  @Get('health')
  health(): string {
    return 'ok';
  }
}

export function describeLogging(platform: Platform): void {
  describe('log lines', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, { controllers: [AuditController], providers: [AuditService] });
    });
    afterAll(() => app.stop());

    it('of the service carry the ids of the span they were written in, the service and the class', async () => {
      const caller = newCaller();
      const response = await app.fetch('/audit/1', { caller });
      const { spanId } = (await response.json()) as { spanId: string };
      const line = lineOf(app, caller.traceId, 'recorded by the service one');
      expect(line).toMatchObject({
        trace_id: caller.traceId,
        span_id: spanId,
        trace_flags: '01',
        context: 'AuditService',
        id: 'one',
      });
      expect(Object.values(line)).toContain('behaviours');
    });

    it("of Nest's own Logger carry them too", async () => {
      const caller = newCaller();
      const response = await app.fetch('/audit/1', { caller });
      const { spanId } = (await response.json()) as { spanId: string };
      expect(lineOf(app, caller.traceId, 'recorded by Nest one')).toMatchObject({
        trace_id: caller.traceId,
        span_id: spanId,
        context: 'Audit',
      });
    });

    it('of an error carry its type, message, stack and cause', async () => {
      const caller = newCaller();
      await app.fetch('/audit/1', { caller });
      const text = JSON.stringify(lineOf(app, caller.traceId, 'failed one'));
      expect(text).toContain('RangeError');
      expect(text).toContain('disk full');
      expect(text).toContain('AuditService');
      expect(text).toContain('no space');
    });

    it('appear on the span as events', async () => {
      const caller = newCaller();
      await app.fetch('/audit/1', { caller });
      const span = await app.spans.named(caller.traceId, 'record');
      const texts = span.events.map((event) => JSON.stringify(event));
      expect(texts.some((text) => text.includes('recorded by the service one'))).toBe(true);
      expect(texts.some((text) => text.includes('recorded by Nest one'))).toBe(true);
    });

    it('outside of any request are written without ids', async () => {
      const line = await app.log.withMessage('audit is ready');
      expect(line).toMatchObject({ context: 'AuditService', files: 3 });
      expect(line).not.toHaveProperty('trace_id');
    });

    it('are written once per request, with method, route, status, duration and the ids', async () => {
      const caller = newCaller();
      await app.fetch('/audit/77?secret=1', { caller });
      const server = await app.spans.server(caller.traceId);
      const [line, ...more] = requestLines(app, caller.traceId);
      expect(more).toEqual([]);
      expect(line).toMatchObject({
        method: 'GET',
        route: '/audit/:id',
        status: 200,
        duration_ms: expect.any(Number) as number,
        trace_id: caller.traceId,
        span_id: server.spanContext().spanId,
      });
      expect(JSON.stringify(line)).not.toContain('secret');
    });

    it('are written for a request that failed or matched no route, too', async () => {
      const [failed, lost] = [newCaller(), newCaller()];
      await app.fetch('/fails', { caller: failed });
      await app.fetch('/nowhere', { caller: lost });
      await app.spans.server(failed.traceId);
      await app.spans.server(lost.traceId);
      expect(requestLines(app, failed.traceId)).toEqual([
        expect.objectContaining({ route: '/fails', status: 500 }),
      ]);
      expect(requestLines(app, lost.traceId)).toEqual([expect.objectContaining({ status: 404 })]);
    });

    it.each([
      ['/audit/1', { handler: 'AuditController.record' }],
      ['/traced', { handler: 'AuditController.traced' }],
      ['/fails', { handler: 'AuditController.fails', err: { type: 'RangeError', message: 'audit failed' } }],
      ['/refused', { err: { type: 'ForbiddenException', message: 'Forbidden resource' } }],
      [
        '/missing',
        { handler: 'AuditController.missing', err: { type: 'NotFoundException', message: 'gone' } },
      ],
      ['/nowhere', { err: { type: 'NotFoundException', message: 'Cannot GET /nowhere' } }],
      ['/guarded', { err: { type: 'TypeError', message: 'no session store' } }],
      [
        '/unavailable',
        {
          handler: 'AuditController.unavailable',
          err: { type: 'ServiceUnavailableException', message: 'no stock service' },
        },
      ],
      [
        '/streamed',
        { handler: 'AuditController.streamed', err: { type: 'RangeError', message: 'stream broke' } },
      ],
    ])('name the handler and what failed, sampled or not: %s', async (path, expected) => {
      for (const sampled of [true, false]) {
        const { traceId, spanId } = newCaller();
        const traceparent = `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`;
        await app.fetch(path, { headers: { traceparent } });
        const { handler, err } = await requestLine(app, traceId);
        expect({ ...(handler !== undefined && { handler }), ...(err !== undefined && { err }) }).toEqual(
          expected,
        );
      }
    });

    it('name the error that broke a stream of which a part was sent', async () => {
      pending.file = new PassThrough();
      pending.file.write('first ');
      const caller = newCaller();
      const response = await app.fetch('/file', { caller });
      const reader = response.body!.getReader();
      await reader.read();
      pending.file.destroy(new RangeError('disk gone'));
      await expect(reader.read()).rejects.toThrow();
      expect(await requestLine(app, caller.traceId)).toMatchObject({
        level: 40,
        handler: 'AuditController.file',
        aborted: true,
        err: { type: 'RangeError', message: 'disk gone' },
      });
    });

    it('name a request that the client gave up as aborted, and leave out what failed later', async () => {
      const caller = newCaller();
      const abort = new AbortController();
      pending.fail = () => undefined;
      const before = pending.fail;
      const request = app.fetch('/held', { caller, signal: abort.signal });
      await eventually('the handler to run', () => pending.fail !== before);
      abort.abort();
      await expect(request).rejects.toThrow('aborted');
      const line = await requestLine(app, caller.traceId);
      pending.fail();
      expect(line).toMatchObject({ level: 40, handler: 'AuditController.held', aborted: true });
      expect(line).not.toHaveProperty('err');
      await app.fetch('/audit/1', { caller: newCaller() });
      expect(requestLines(app, caller.traceId)).toHaveLength(1);
    });

    it('are not written for health checks', async () => {
      const caller = newCaller();
      const response = await app.fetch('/health', { caller });
      const after = newCaller();
      await app.fetch('/audit/1', { caller: after });
      await app.spans.server(after.traceId);
      expect(await response.text()).toBe('ok');
      expect(requestLines(app, after.traceId)).toHaveLength(1);
      expect(requestLines(app).filter((line) => JSON.stringify(line).includes('/health'))).toEqual([]);
    });
  });
}

function lineOf(app: RunningApp, traceId: string, message: string): LogLine {
  const line = app.log.lines.find((each) => each.msg === message && each.trace_id === traceId);
  if (line === undefined) throw new Error(`no line "${message}" in trace ${traceId}`);
  return line;
}

/** The one line of the request in this trace. */
async function requestLine(app: RunningApp, traceId: string): Promise<LogLine> {
  const [line] = await eventually('the request line', () => {
    const lines = requestLines(app, traceId);
    return lines.length > 0 && lines;
  });
  return line!;
}

/** Lines that tell of a request as a whole, in one trace or in all. */
function requestLines(app: RunningApp, traceId?: string): LogLine[] {
  return app.log.lines.filter(
    (line) => 'duration_ms' in line && (traceId === undefined || line.trace_id === traceId),
  );
}

/** Fastify's own logger is one of pino's, made before any module of the application. */
export function describeFastifyLogger(platform: Platform): void {
  describe("lines of Fastify's own logger", () => {
    it.each([
      ['that Fastify made', (stream: WrittenLines['destination']) => ({ logger: { level: 'info', stream } })],
      [
        'that the application made, with a mixin',
        (stream: WrittenLines['destination']) => ({
          loggerInstance: pino({ mixin: () => ({ mine: true }) }, stream),
        }),
      ],
    ])('%s carry the ids of the active span', async (_, fastifyOptions) => {
      @Controller('own')
      class OwnLoggerController {
        @Get()
        async log(@Req() request: { log: FastifyLogger }): Promise<string> {
          request.log.info('from request.log');
          await Promise.resolve();
          request.log.child({ part: 7 }).info('from a child');
          return 'ok';
        }
      }
      const lines = new WrittenLines();
      const app = await RunningApp.start(platform, {
        controllers: [OwnLoggerController],
        fastify: fastifyOptions(lines.destination) as object,
      });
      try {
        const { traceId, traceparent } = newCaller();
        await app.fetch('/own', { headers: { traceparent } });
        const completed = await lines.withMessage('request completed');
        const [request, child] = await Promise.all([
          lines.withMessage('from request.log'),
          lines.withMessage('from a child'),
        ]);
        for (const line of [completed, request, child])
          expect(line).toMatchObject({
            trace_id: traceId,
            span_id: expect.stringMatching(/^[\da-f]{16}$/) as string,
          });
        expect(child).toMatchObject({ part: 7 });
        (app.app.getHttpAdapter().getInstance() as { log: FastifyLogger }).log.info('outside of a request');
        expect(await lines.withMessage('outside of a request')).not.toHaveProperty('trace_id');
      } finally {
        await app.stop();
      }
    });
  });
}

interface FastifyLogger {
  info(message: string): void;
  child(fields: object): FastifyLogger;
}
