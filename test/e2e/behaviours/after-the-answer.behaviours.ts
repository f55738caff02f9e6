import { type Server } from 'node:http';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

import { Controller, Get, Injectable, type OnModuleDestroy, Param, Res } from '@nestjs/common';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { PinoLogger } from 'nestjs-pino';
import { type SamplingOptions, TelemetryService, Trace } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

/** What a handler begins and nobody waits for. */
@Injectable()
class BackgroundService implements OnModuleDestroy {
  private readonly timers = new Set<NodeJS.Timeout>();
  /** Resolved by the test, once the request has been answered. */
  private readonly gates = new Map<string, PromiseWithResolvers<undefined>>();
  fails = false;

  constructor(
    private readonly telemetry: TelemetryService,
    private readonly pino: PinoLogger,
  ) {}

  assign(id: string): void {
    this.pino.assign({ order: id });
  }

  every(name: string): void {
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
      this.pino.info(`${name} tick ${String(ticks)}`);
      try {
        this.telemetry.trace(name, () => {
          this.pino.assign({ tick: ticks });
          this.pino.info(`${name} inside ${String(ticks)}`);
          this.telemetry.trace(`${name} below`, () => undefined);
          if (this.fails) throw new Error('tick failed');
        });
      } catch {
        // On the span.
      }
    };
    this.timers.add(setInterval(tick, 5));
  }

  /** A loop of timers, each set in the span of the one before. */
  chain(name: string): void {
    this.telemetry.trace(name, () => {
      this.timers.add(
        setTimeout(() => {
          this.chain(name);
        }, 5),
      );
    });
  }

  @Trace()
  async audit(id: string): Promise<void> {
    await this.gate(id);
    this.pino.info(`audited ${id}`);
    this.telemetry.trace('audit.write', () => undefined);
  }

  async untraced(id: string, origin: string): Promise<void> {
    await this.gate(id);
    await (await fetch(`${origin}/audit`)).text();
    this.pino.assign({ audit: id });
    this.pino.info(`audited ${id} without a span`);
  }

  open(id: string): void {
    this.gates.get(id)?.resolve(undefined);
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.timers.clear();
  }

  onModuleDestroy(): void {
    this.stop();
    for (const gate of this.gates.values()) gate.resolve(undefined);
  }

  private gate(id: string): Promise<undefined> {
    const gate = Promise.withResolvers<undefined>();
    this.gates.set(id, gate);
    return gate.promise;
  }
}

interface RawReply {
  readonly raw?: { once(event: string, listener: () => void): unknown };
  once?(event: string, listener: () => void): unknown;
}

let upstream = '';

@Controller()
class OrdersController {
  constructor(
    private readonly background: BackgroundService,
    private readonly telemetry: TelemetryService,
    private readonly pino: PinoLogger,
  ) {}

  @Get('timers/:name')
  timers(@Param('name') name: string): string {
    this.background.assign(name);
    this.background.every(name);
    return name;
  }

  @Get('failing-timers/:name')
  failing(@Param('name') name: string): never {
    this.background.every(name);
    throw new Error('failed');
  }

  @Get('chains/:name')
  chain(@Param('name') name: string): string {
    this.background.chain(name);
    return name;
  }

  @Get('audits/:id')
  audit(@Param('id') id: string): string {
    this.background.assign(id);
    void this.background.audit(id);
    return id;
  }

  @Get('untraced/:id')
  untraced(@Param('id') id: string): string {
    this.background.assign(id);
    void this.background.untraced(id, upstream);
    return id;
  }

  @Get('finished/:id')
  finished(@Param('id') id: string, @Res({ passthrough: true }) reply: RawReply): string {
    this.background.assign(id);
    const response = reply.raw ?? reply;
    response.once?.('finish', () => {
      this.pino.info(`finished ${id}`);
      this.telemetry.trace('finished', () => undefined);
    });
    return id;
  }

  @Get('health')
  health(): string {
    this.background.every('health');
    return 'ok';
  }
}

class BackgroundApp {
  private constructor(
    readonly app: RunningApp,
    readonly background: BackgroundService,
    private readonly exporter: InMemorySpanExporter,
  ) {}

  static async start(platform: Platform, sampling?: SamplingOptions): Promise<BackgroundApp> {
    const exporter = new InMemorySpanExporter();
    const app = await RunningApp.start(platform, {
      controllers: [OrdersController],
      providers: [BackgroundService],
      telemetry: {
        ...(sampling !== undefined && { sampling }),
        spanProcessors: [new SimpleSpanProcessor({ exporter })],
      },
    });
    return new BackgroundApp(app, app.app.get(BackgroundService), exporter);
  }

  exported(name: string): ReadableSpan[] {
    return this.exporter.getFinishedSpans().filter((span) => span.name === name);
  }

  forget(): void {
    this.exporter.reset();
  }

  /** Waits until lines of ticks that began after now were written. */
  async ticks(name: string, count = 3): Promise<void> {
    const written = (): number =>
      this.app.log.lines.filter(({ msg }) => msg?.startsWith(`${name} tick`) === true).length;
    const before = written();
    await eventually(`ticks of ${name}`, () => written() >= before + count);
  }
}

export function describeAfterTheAnswer(platform: Platform): void {
  describe('what begins after the answer of a request', () => {
    let running: BackgroundApp;
    let server: Server;
    const received: string[] = [];
    beforeAll(async () => {
      server = createServer((request, response) => {
        received.push(String(request.headers.traceparent));
        response.end('ok');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      upstream = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
      running = await BackgroundApp.start(platform);
    });
    afterEach(() => {
      running.background.stop();
    });
    afterAll(async () => {
      await running.app.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    /** Requests `path` and gives its server span, once the response is over. */
    const request = async (path: string): Promise<ReadableSpan> => {
      const caller = newCaller();
      await (await running.app.fetch(path, { caller })).text();
      return running.app.spans.server(caller.traceId);
    };
    const expectLink = (span: ReadableSpan | undefined, origin: ReadableSpan): void => {
      expect(span?.parentSpanContext).toBeUndefined();
      expect(span?.spanContext().traceId).not.toBe(origin.spanContext().traceId);
      expect(span?.links.map(({ context: { spanId, traceId } }) => ({ spanId, traceId }))).toEqual([
        { spanId: origin.spanContext().spanId, traceId: origin.spanContext().traceId },
      ]);
    };

    it('starts a trace of its own at each tick of an interval, linked with the request', async () => {
      const origin = await request('/timers/poll');
      running.forget();
      await running.ticks('poll');
      running.background.stop();
      const ticks = running.exported('poll').slice(1);
      expect(ticks.length).toBeGreaterThan(1);
      for (const tick of ticks) expectLink(tick, origin);
      expect(new Set(ticks.map((tick) => tick.spanContext().traceId)).size).toBe(ticks.length);
      for (const below of running.exported('poll below').slice(1))
        expect(ticks.map((tick) => tick.spanContext().spanId)).toContain(below.parentSpanContext?.spanId);
    });

    it('starts a trace for each timer of a chain, linked with the one before', async () => {
      const origin = await request('/chains/chained');
      const chained = await eventually('a chain', () => {
        const spans = running.exported('chained');
        return spans.length >= 4 && spans;
      });
      running.background.stop();
      const own = chained.filter((span) => span.spanContext().traceId !== origin.spanContext().traceId);
      expectLink(own[0], origin);
      expectLink(own[1], own[0]!);
    });

    it('stays in the trace below a span that was open when the request ended', async () => {
      const origin = await request('/audits/7');
      running.background.open('7');
      const write = await running.app.spans.named(origin.spanContext().traceId, 'audit.write');
      expect(running.app.spans.isBelow(write, origin)).toBe(true);
      expect(await running.app.log.withMessage('audited 7')).toMatchObject({
        order: '7',
        trace_id: origin.spanContext().traceId,
      });
    });

    it('starts a trace where no span was open, and calls other services in that', async () => {
      const origin = await request('/untraced/8');
      received.length = 0;
      running.background.open('8');
      const call = await eventually('a call', () =>
        running.exported('GET').find(({ links }) => links.length > 0),
      );
      expectLink(call, origin);
      expect(received[0]?.split('-')[1]).toBe(call.spanContext().traceId);
    });

    it('has the ids of the request on its lines, no fields of it, and can assign fields', async () => {
      const origin = await request('/untraced/9');
      running.background.open('9');
      const line = await running.app.log.withMessage('audited 9 without a span');
      expect(line).toMatchObject({ trace_id: origin.spanContext().traceId, audit: '9' });
      expect(line.order).toBeUndefined();
    });

    it('loses the fields that the request assigned, and has those of each trace in that trace only', async () => {
      await request('/timers/fields');
      await running.ticks('fields');
      running.background.stop();
      const lines = running.app.log.lines.filter(({ msg }) => msg?.startsWith('fields ') === true);
      const [outside, inside] = [lines.at(-2), lines.at(-1)];
      expect(outside?.msg).toMatch(/^fields tick/);
      expect(outside).not.toHaveProperty('order');
      expect(outside).not.toHaveProperty('tick');
      expect(inside).not.toHaveProperty('order');
      expect(inside).toMatchObject({ msg: `fields inside ${String(inside?.tick)}` });
      expect(JSON.stringify(inside).match(/"tick"/g)).toHaveLength(1);
    });

    it('belongs to the request in a listener of its response', async () => {
      const origin = await request('/finished/10');
      expect(await running.app.log.withMessage('finished 10')).toMatchObject({
        order: '10',
        trace_id: origin.spanContext().traceId,
      });
      const span = await running.app.spans.named(origin.spanContext().traceId, 'finished');
      expect(running.app.spans.isBelow(span, origin)).toBe(true);
    });

    it('is recorded after an ignored request, as what begins by itself', async () => {
      await (await running.app.fetch('/health')).text();
      await running.ticks('health');
      running.background.stop();
      const spans = running.exported('health');
      expect(spans.length).toBeGreaterThan(0);
      expect(spans[0]?.links).toEqual([]);
      expect(spans[0]?.parentSpanContext).toBeUndefined();
    });
  });

  describe('what begins after the answer of a request that is sampled otherwise', () => {
    let running: BackgroundApp;
    afterEach(async () => {
      running.background.stop();
      await running.app.stop();
    });

    it('is sampled by the rules, and not as the request was: recorded below one that is not', async () => {
      running = await BackgroundApp.start(platform, {
        ratio: 1,
        rules: [{ route: '/timers/:name', ratio: 0 }],
      });
      await (await running.app.fetch('/timers/unsampled')).text();
      await running.ticks('unsampled');
      running.background.stop();
      expect(running.exported('GET /timers/:name')).toEqual([]);
      const [tick] = running.exported('unsampled');
      expect(tick?.links).toHaveLength(1);
      expect(running.exported('unsampled below').length).toBe(running.exported('unsampled').length);
    });

    it('is sampled by the rules, and not as the request was: not recorded below one that is', async () => {
      running = await BackgroundApp.start(platform, {
        ratio: 0,
        rules: [{ route: '/timers/:name', ratio: 1 }],
      });
      await (await running.app.fetch('/timers/sampled')).text();
      await running.ticks('sampled', 1);
      running.forget();
      await running.ticks('sampled', 4);
      running.background.stop();
      expect(running.exported('sampled')).toEqual([]);
    });

    it('is kept for its own failures, and not for those of the request', async () => {
      running = await BackgroundApp.start(platform, { ratio: 0, keep: true });
      await (await running.app.fetch('/failing-timers/kept')).text();
      await eventually(
        'the failed request',
        () => running.exported('GET /failing-timers/:name').length + running.exported('GET').length > 0,
      );
      await running.ticks('kept', 1);
      running.forget();
      await running.ticks('kept', 4);
      expect(running.exported('kept')).toEqual([]);
      running.background.fails = true;
      const [tick] = await eventually('a kept tick', () => {
        const spans = running.exported('kept');
        return spans.length > 0 && spans;
      });
      expect(tick?.parentSpanContext).toBeUndefined();
      expect(tick?.links).toHaveLength(1);
    });

    it('follows the ratio trace by trace', async () => {
      running = await BackgroundApp.start(platform, { ratio: 0.5 });
      await (await running.app.fetch('/timers/halved')).text();
      await running.ticks('halved', 60);
      running.background.stop();
      const recorded = running.exported('halved').length;
      const ticks = running.app.log.lines.filter(({ msg }) => msg?.startsWith('halved tick') === true).length;
      expect(recorded).toBeGreaterThan(ticks * 0.15);
      expect(recorded).toBeLessThan(ticks * 0.85);
    });
  });
}
