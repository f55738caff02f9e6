import { createServer, type Server } from 'node:http';

import { ConflictException, Controller, Get, Injectable, Param } from '@nestjs/common';
import { context, trace, TraceFlags } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import {
  type IncomingPolicies,
  type IncomingPolicy,
  type SamplingOptions,
  type TelemetryOptions,
  TelemetryService,
  Trace,
} from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { type Caller, newCaller, RunningApp } from './running-app.js';

/** The service behind: remembers the flag of each caller, and fails when asked to. */
class Downstream {
  readonly flags: string[] = [];
  /** What each caller wrote into `traceparent` and `tracestate`. */
  readonly callers: { readonly traceparent: string; readonly tracestate: string | undefined }[] = [];
  private readonly server: Server = createServer((request, response) => {
    const { traceparent = '', tracestate } = request.headers;
    this.flags.push(String(traceparent).slice(-2));
    this.callers.push({ traceparent: String(traceparent), tracestate: tracestate?.toString() });
    response.statusCode = request.url === '/broken' ? 503 : 200;
    response.end();
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

  call(path: string): Promise<unknown> {
    const { port } = this.server.address() as { port: number };
    return fetch(`http://127.0.0.1:${port}${path}`).then((response) => response.text());
  }
}

const downstream = new Downstream();
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

@Injectable()
class CleanupService {
  constructor(private readonly telemetry: TelemetryService) {}

  @Trace()
  async purge(): Promise<void> {
    await wait(1);
  }

  @Trace()
  async notifyLater(): Promise<void> {
    await wait(40);
    this.telemetry.trace('mail.send', () => undefined);
  }
}

@Controller('orders')
class OrdersController {
  constructor(
    private readonly cleanup: CleanupService,
    private readonly telemetry: TelemetryService,
  ) {}

  @Get('fine/:id')
  async fine(@Param('id') id: string): Promise<string> {
    await this.cleanup.purge();
    return id;
  }

  @Get('refused')
  refused(): never {
    throw new ConflictException();
  }

  @Get('broken/:id')
  async broken(): Promise<never> {
    await this.cleanup.purge();
    this.telemetry.logInfo('about to break');
    throw new Error('database is gone');
  }

  @Get('slow')
  async slow(): Promise<string> {
    await this.cleanup.purge();
    await wait(550);
    return 'at last';
  }

  @Get('late/:outcome')
  late(@Param('outcome') outcome: string): string {
    void this.cleanup.notifyLater();
    if (outcome === 'broken') throw new Error('after all');
    return 'accepted';
  }

  @Get('calls')
  async calls(): Promise<string> {
    await downstream.call('/first');
    await downstream.call('/broken');
    await downstream.call('/third');
    return 'called';
  }
}

const unsampled = ({ traceparent, ...caller }: Caller): Caller => ({
  ...caller,
  traceparent: traceparent.replace(/01$/, '00'),
});

/** An application that samples as told, and what it would have sent. */
class SamplingApp {
  private constructor(
    readonly app: RunningApp,
    private readonly exporter: InMemorySpanExporter,
  ) {}

  static async start(
    platform: Platform,
    sampling: SamplingOptions,
    more: TelemetryOptions = {},
  ): Promise<SamplingApp> {
    const exporter = new InMemorySpanExporter();
    const app = await RunningApp.start(platform, {
      controllers: [OrdersController],
      providers: [CleanupService],
      telemetry: { ...more, sampling, spanProcessors: [new SimpleSpanProcessor({ exporter })] },
    });
    return new SamplingApp(app, exporter);
  }

  exported(traceId?: string): ReadableSpan[] {
    const spans = this.exporter.getFinishedSpans();
    return traceId === undefined ? spans : spans.filter((span) => span.spanContext().traceId === traceId);
  }

  /** Requests `path` and waits until its server span has been told of, kept or not; gives its trace id. */
  async request(path: string, caller?: Caller): Promise<string> {
    const before = this.app.spans.ended.length;
    await (await this.app.fetch(path, caller === undefined ? {} : { caller })).text();
    return (await this.app.spans.serverAfter(before)).spanContext().traceId;
  }

  namesOf(traceId: string): string[] {
    return this.exported(traceId).map(({ name }) => name);
  }
}

export function describeSampling(platform: Platform): void {
  let running: SamplingApp;
  const start = async (sampling: SamplingOptions): Promise<SamplingApp> =>
    (running = await SamplingApp.start(platform, sampling));

  describe('sampling.keep', () => {
    beforeAll(async () => {
      await downstream.listen();
      await start({ ratio: 0, keep: { slowerThanMs: 500 } });
    });
    afterAll(async () => {
      await running.app.stop();
      await downstream.close();
    });

    it('sends the whole trace of a request that failed, at ratio 0', async () => {
      const traceId = await running.request('/orders/broken/7');
      expect(running.namesOf(traceId)).toEqual(
        expect.arrayContaining(['CleanupService.purge', 'OrdersController.broken', 'GET /orders/broken/:id']),
      );
      const exported = running.exported(traceId);
      expect(new Set(exported.map((span) => span.spanContext().traceFlags))).toEqual(
        new Set([TraceFlags.SAMPLED]),
      );
      const ids = new Set(exported.map((span) => span.spanContext().spanId));
      const roots = exported.filter(({ parentSpanContext }) => !ids.has(parentSpanContext?.spanId ?? ''));
      expect(roots.map(({ name }) => name)).toEqual(['GET /orders/broken/:id']);
    });

    it('sends nothing of a request that went well, or was refused for a reason of its own', async () => {
      const fine = await running.request('/orders/fine/7');
      const refused = await running.request('/orders/refused');
      expect(running.namesOf(fine)).toEqual([]);
      expect(running.namesOf(refused)).toEqual([]);
    });

    it('sends the whole trace of a slow request', async () => {
      const traceId = await running.request('/orders/slow');
      expect(running.namesOf(traceId)).toEqual(
        expect.arrayContaining(['CleanupService.purge', 'OrdersController.slow', 'GET /orders/slow']),
      );
    });

    it('sends what still ran when a failed request was answered, and leaves it out after one that went well', async () => {
      const broken = await running.request('/orders/late/broken');
      await eventually('the late spans', () =>
        running.namesOf(broken).includes('CleanupService.notifyLater'),
      );
      expect(running.namesOf(broken)).toContain('mail.send');

      const fine = await running.request('/orders/late/fine');
      await running.app.spans.named(fine, 'CleanupService.notifyLater');
      expect(running.namesOf(fine)).toEqual([]);
    });

    it('counts every request and gives every line its ids, kept or not', async () => {
      const traceId = await running.request('/orders/broken/8');
      const fine = await running.request('/orders/fine/8');
      const lines = await eventually('both request lines', () => {
        const found = running.app.log.lines.filter(({ trace_id: id }) => id === traceId || id === fine);
        return found.length >= 3 && found;
      });
      expect(lines.map(({ msg }) => msg)).toContain('about to break');
      const page = await running.app.scrape();
      const counts = page
        .split('\n')
        .filter((line) => line.startsWith('http_server_request_duration_seconds_count'));
      expect(counts.join('\n')).toContain('http_route="/orders/fine/:id"');
      expect(counts.join('\n')).toContain('http_route="/orders/broken/:id"');
    });

    it('sends without delay the spans that a caller samples', async () => {
      const caller = newCaller();
      await running.request('/orders/fine/7', caller);
      expect(running.namesOf(caller.traceId)).toContain('GET /orders/fine/:id');
    });

    it('keeps what failed below a caller that does not sample, in the trace of the caller', async () => {
      const caller = unsampled(newCaller());
      await running.request('/orders/broken/7', caller);
      const server = running.exported(caller.traceId).find(({ name }) => name.startsWith('GET /orders'));
      expect(server?.parentSpanContext?.spanId).toBe(caller.spanId);
      const other = unsampled(newCaller());
      await running.request('/orders/fine/7', other);
      expect(running.namesOf(other.traceId)).toEqual([]);
    });

    it('asks other services to record from the moment on that the trace is kept', async () => {
      downstream.flags.length = 0;
      const traceId = await running.request('/orders/calls');
      expect(downstream.flags).toEqual(['00', '00', '01']);
      expect(running.namesOf(traceId).filter((name) => name === 'GET')).toHaveLength(3);
    });
  });

  describe('sampling.ratio with keep', () => {
    afterEach(async () => {
      await running.app.stop();
    });

    it('sends a background share besides, whole traces of it', async () => {
      await start({ ratio: 0.5, keep: true });
      const requests = 80;
      for (let index = 0; index < requests; index += 1) await running.request('/orders/fine/7');
      const traces = Map.groupBy(running.exported(), (span) => span.spanContext().traceId);
      expect(traces.size).toBeGreaterThan(15);
      expect(traces.size).toBeLessThan(65);
      for (const spans of traces.values()) {
        expect(spans.map(({ name }) => name)).toContain('CleanupService.purge');
        expect(spans.map(({ name }) => name)).toContain('GET /orders/fine/:id');
      }
    });

    it('stays within its bounds while thousands of traces are open, and forgets none that fails', async () => {
      await start({ ratio: 0, keep: { maxTraces: 100, maxSpans: 100 } });
      const tracer = trace.getTracer('test');
      const open = Array.from({ length: 10_000 }, () => {
        const root = tracer.startSpan('open');
        tracer.startSpan('work', {}, trace.setSpan(context.active(), root)).end();
        return root;
      });
      const traceId = await running.request('/orders/broken/7');
      expect(running.namesOf(traceId)).toContain('CleanupService.purge');
      for (const root of open) root.end();
      expect(running.exported().filter(({ name }) => name === 'open' || name === 'work')).toEqual([]);
    });
  });

  describe('a sampling ratio of a quarter in two services', () => {
    beforeAll(async () => {
      await downstream.listen();
      await start({ ratio: 0.25 });
    });
    afterAll(async () => {
      await running.app.stop();
      await downstream.close();
    });

    it('is what each span of a recorded trace says, in the service that began it and in the one it calls', async () => {
      downstream.callers.length = 0;
      for (let index = 0; index < 60; index += 1) await (await running.app.fetch('/orders/calls')).text();
      const called = downstream.callers.filter(({ traceparent }) => traceparent.endsWith('-01'));
      const others = downstream.callers.filter(({ traceparent }) => traceparent.endsWith('-00'));
      expect(new Set(called.map(({ tracestate }) => tracestate))).toEqual(new Set(['ot=th:c']));
      expect(new Set(others.map(({ tracestate }) => tracestate))).toEqual(new Set([undefined]));
      for (const { traceparent } of called)
        expect(BigInt(`0x${traceparent.slice(21, 35)}`)).toBeGreaterThanOrEqual(0xc0_0000_0000_0000n);

      // What the other service gets, with what others have added.
      const { traceparent = '' } = called[0] ?? {};
      const [, traceId = '', spanId = ''] = traceparent.split('-');
      const before = running.app.spans.ended.length;
      const headers = { tracestate: 'vendor=x,ot=th:c' };
      await (
        await running.app.fetch('/orders/fine/7', { caller: { traceId, spanId, traceparent }, headers })
      ).text();
      await running.app.spans.serverAfter(before);
      const states = running.exported(traceId).map((span) => {
        const { name } = span;
        return [name.includes('fine') ? 'fine' : 'calls', span.spanContext().traceState?.serialize()];
      });
      expect(states).toContainEqual(['calls', 'ot=th:c']);
      expect(states).toContainEqual(['fine', 'vendor=x,ot=th:c']);
    });

    it('is not believed where a caller cannot have sampled by it', async () => {
      const caller = { ...newCaller(), traceId: '0'.repeat(31) + '1' };
      const traceparent = `00-${caller.traceId}-${caller.spanId}-01`;
      const before = running.app.spans.ended.length;
      const headers = { tracestate: 'ot=th:c;rv:10000000000000' };
      await (
        await running.app.fetch('/orders/fine/7', { caller: { ...caller, traceparent }, headers })
      ).text();
      await running.app.spans.serverAfter(before);
      const states = running
        .exported(caller.traceId)
        .map((span) => span.spanContext().traceState?.serialize());
      expect(new Set(states)).toEqual(new Set(['ot=rv:10000000000000']));
    });
  });

  describe('propagation.incoming', () => {
    afterEach(async () => {
      await running.app.stop();
    });
    const startAt = async (ratio: number, incoming: IncomingPolicy | IncomingPolicies) =>
      (running = await SamplingApp.start(platform, { ratio }, { propagation: { incoming } }));
    const callerOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId;

    it.each(['link', 'ignore'] as const)(
      '%s: samples here, independent of the decision of the caller',
      async (mode) => {
        await startAt(0, mode);
        await (await running.app.fetch('/orders/fine/7', { caller: newCaller() })).text();
        await (await running.app.fetch('/metrics')).text();
        expect(running.exported()).toEqual([]);
        await running.app.stop();

        await startAt(1, mode);
        const caller = newCaller();
        const unsampledCaller = { ...caller, traceparent: caller.traceparent.replace(/01$/, '00') };
        const traceId = await running.request('/orders/fine/7', unsampledCaller);
        const server = running.exported(traceId).find(({ name }) => name === 'GET /orders/fine/:id');
        expect(traceId).not.toBe(caller.traceId);
        expect(callerOf(server)).toBeUndefined();
        expect(server?.links.map((link) => link.context.spanId)).toEqual(
          mode === 'link' ? [caller.spanId] : [],
        );
      },
    );

    it('is a function of the request, which links when it fails', async () => {
      await startAt(1, (request) => {
        const { headers } = request as { headers: Record<string, string | undefined> };
        if (headers['x-edge'] === 'broken') throw new Error('no idea');
        return headers['x-edge'] === 'inside' ? 'trust' : 'ignore';
      });
      const serverFor = async (edge: string, caller: Caller): Promise<ReadableSpan> => {
        const before = running.app.spans.ended.length;
        const headers = { 'x-edge': edge };
        await (await running.app.fetch('/orders/fine/7', { caller, headers })).text();
        return running.app.spans.serverAfter(before);
      };
      const caller = newCaller();
      expect(callerOf(await serverFor('inside', caller))).toBe(caller.spanId);
      const outside = await serverFor('outside', caller);
      expect([callerOf(outside), outside.links]).toEqual([undefined, []]);
      const broken = await serverFor('broken', caller);
      expect([callerOf(broken), broken.links[0]?.context.spanId]).toEqual([undefined, caller.spanId]);
    });

    it('is chosen by listener', async () => {
      await startAt(1, { default: 'ignore', http: 'trust' });
      const caller = newCaller();
      expect(await running.request('/orders/fine/7', caller)).toBe(caller.traceId);
    });

    it('trusts by default, except where a rule never records a route', async () => {
      await start({ ratio: 1, rules: [{ route: '/orders/fine/:id', ratio: 0 }] });
      const [fine, calls] = [newCaller(), newCaller()];
      await (await running.app.fetch('/orders/fine/7', { caller: fine })).text();
      await (await running.app.fetch('/orders/refused', { caller: calls })).text();
      await running.app.spans.server(calls.traceId);
      expect(running.exported(fine.traceId)).toEqual([]);
    });
  });

  describe('sampling.rules', () => {
    afterEach(async () => {
      await running.app.stop();
    });

    it('gives routes and other starts of a trace shares of their own, the first that matches', async () => {
      await start({
        ratio: 1,
        rules: [
          { route: '/orders/broken/:id', method: 'GET', ratio: 1 },
          { route: '/orders/*', ratio: 0 },
          { name: 'CleanupService.purge', ratio: 0 },
        ],
      });
      await (await running.app.fetch('/orders/fine/7')).text();
      await (await running.app.fetch('/orders/broken/7')).text();
      await (await running.app.fetch('/elsewhere')).text();
      await running.app.app.get(CleanupService).purge();
      await running.app.app.get(CleanupService).notifyLater();
      await eventually('the last server span', () => running.exported().some(({ name }) => name === 'GET'));
      const names = running.exported().map(({ name }) => name);
      expect(names).toContain('GET /orders/broken/:id');
      expect(names).toContain('CleanupService.notifyLater');
      expect(names).not.toContain('GET /orders/fine/:id');
      // Once inside of the request that is sampled; not by itself, and not inside of the one that is not.
      expect(names.filter((name) => name === 'CleanupService.purge')).toHaveLength(1);
    });

    it('can leave a route out altogether, and judge the time of another by itself', async () => {
      await start({
        ratio: 0,
        rules: [
          { route: '/orders/broken/:id', keep: false },
          { route: '/orders/slow', keep: { slowerThanMs: 60_000 } },
        ],
        keep: { slowerThanMs: 0 },
      });
      await (await running.app.fetch('/orders/broken/7')).text();
      const slow = await running.request('/orders/slow');
      const fine = await running.request('/orders/fine/7');
      expect(running.namesOf(slow)).toEqual([]);
      expect(running.namesOf(fine)).toContain('GET /orders/fine/:id');
      expect(running.app.spans.started.filter(({ name }) => name === 'OrdersController.broken')).toEqual([]);
    });
  });
}
