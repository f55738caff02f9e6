import { PassThrough } from 'node:stream';

import { Controller, Get, type MessageEvent, Sse, StreamableFile } from '@nestjs/common';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { TelemetryService, Trace } from 'nestjs-telemetry';
import { delay, map, type Observable, of, Subject, throwError } from 'rxjs';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

/** What the tests hold in their hands while a response is under way. */
const feed = { events: new Subject<MessageEvent>(), file: new PassThrough(), release: (): void => undefined };

@Controller('long')
class LongController {
  constructor(private readonly telemetry: TelemetryService) {}

  @Get('observable')
  @Trace('long.observable')
  observable(): Observable<{ traceId: string | undefined }> {
    return of(1).pipe(
      delay(30),
      map(() => ({ traceId: this.telemetry.getCurrentTraceId() })),
    );
  }

  @Get('observable-error')
  @Trace('long.observable-error')
  failing(): Observable<never> {
    return throwError(() => new RangeError('stream broke'));
  }

  @Sse('events')
  @Trace('long.events')
  events(): Observable<MessageEvent> {
    return feed.events.asObservable();
  }

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(feed.file, { type: 'text/plain' });
  }

  @Get('held')
  @Trace('long.held')
  async held(): Promise<string> {
    await new Promise<void>((resolve) => {
      feed.release = resolve;
    });
    return 'late';
  }
}

export function describeLongResponses(platform: Platform): void {
  describe('responses that take their time', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, { controllers: [LongController] });
    });
    afterAll(() => app.stop());
    beforeEach(() => {
      feed.events = new Subject();
      feed.file = new PassThrough();
    });

    it('keep the span of an Observable open until it completes, with its context inside of the operators', async () => {
      const caller = newCaller();
      const response = await app.fetch('/long/observable', { caller });
      const span = await app.spans.named(caller.traceId, 'long.observable');
      expect(await response.json()).toEqual({ traceId: caller.traceId });
      expect(milliseconds(span.duration)).toBeGreaterThanOrEqual(25);
    });

    it('mark the spans when an Observable fails', async () => {
      const caller = newCaller();
      const response = await app.fetch('/long/observable-error', { caller });
      const span = await app.spans.named(caller.traceId, 'long.observable-error');
      const server = await app.spans.server(caller.traceId);
      expect(response.status).toBe(500);
      expect(span.status.code).toBe(SpanStatusCode.ERROR);
      expect(server.status.code).toBe(SpanStatusCode.ERROR);
    });

    it('keep the server span open until the last server-sent event', async () => {
      const caller = newCaller();
      const opened = app.fetch('/long/events', { caller });
      await eventually('a subscriber', () => feed.events.observed);
      feed.events.next({ data: 'first' });
      const response = await opened;
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const received = await readUntil(reader, 'first');
      expect(received).toContain('data: first');
      expect(endedNames(app, caller.traceId)).not.toContain('long.events');
      expect(endedNames(app, caller.traceId)).not.toContain('GET /long/events');

      feed.events.next({ data: 'last' });
      feed.events.complete();
      await readUntil(reader, undefined);
      const server = await app.spans.server(caller.traceId);
      const handler = await app.spans.named(caller.traceId, 'long.events');
      expect(server.name).toBe('GET /long/events');
      expect(server.status.code).toBe(SpanStatusCode.UNSET);
      expect(handler.status.code).toBe(SpanStatusCode.UNSET);
    });

    it('keep the server span open until the last byte of a stream', async () => {
      const caller = newCaller();
      feed.file.write('first ');
      const response = await app.fetch('/long/file', { caller });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      await readUntil(reader, 'first');
      expect(endedNames(app, caller.traceId)).not.toContain('GET /long/file');

      feed.file.end('last');
      expect(await readUntil(reader, undefined)).toBe('last');
      const server = await app.spans.server(caller.traceId);
      expect(server.name).toBe('GET /long/file');
      expect(server.attributes['http.response.status_code']).toBe(200);
    });

    it('end the server span when the client goes away, and only once', async () => {
      const caller = newCaller();
      const abort = new AbortController();
      const request = app.fetch('/long/held', { caller, signal: abort.signal });
      await eventually('the handler to run', () =>
        app.spans.started.some(
          (span) => span.name === 'long.held' && span.spanContext().traceId === caller.traceId,
        ),
      );
      abort.abort();
      await expect(request).rejects.toThrow('aborted');
      const server = await app.spans.server(caller.traceId);
      expect(server.name).toBe('GET /long/held');

      feed.release();
      await app.spans.named(caller.traceId, 'long.held');
      const servers = app.spans.inTrace(caller.traceId).filter(({ kind }) => kind === SpanKind.SERVER);
      expect(servers).toHaveLength(1);
    });

    it('end the span of a server-sent stream when the client goes away', async () => {
      const caller = newCaller();
      const abort = new AbortController();
      const opened = app.fetch('/long/events', { caller, signal: abort.signal });
      await eventually('a subscriber', () => feed.events.observed);
      feed.events.next({ data: 'first' });
      await (await opened).body!.getReader().read();
      abort.abort();
      const handler = await app.spans.named(caller.traceId, 'long.events');
      const server = await app.spans.server(caller.traceId);
      expect(handler.status.code).toBe(SpanStatusCode.UNSET);
      expect(server.name).toBe('GET /long/events');
    });
  });
}

function endedNames(app: RunningApp, traceId: string): string[] {
  return app.spans.inTrace(traceId).map(({ name }) => name);
}

function milliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1_000 + nanoseconds / 1e6;
}

/** Reads text until `stop` was seen, or to the end when there is no stop. */
async function readUntil(
  reader: { read(): Promise<{ done: boolean; value?: string | undefined }> },
  stop: string | undefined,
): Promise<string> {
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    text += value ?? '';
    if (done || (stop !== undefined && text.includes(stop))) return text;
  }
}
