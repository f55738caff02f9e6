import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';

import {
  type BeforeApplicationShutdown,
  Controller,
  type DynamicModule,
  Get,
  Global,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { diag, DiagLogLevel, SpanKind } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { getTelemetry, TelemetryModule, TelemetryService } from 'nestjs-telemetry';

import { SpanCollector } from './collectors.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

@Controller()
class WorkController {
  constructor(private readonly telemetry: TelemetryService) {}

  @Get('work')
  work(): string {
    this.telemetry.counter('work_total').add(1);
    return this.telemetry.trace('work', () => 'worked');
  }
}

/** A collector that accepts connections and never answers. */
class BlackHole {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => this.sockets.delete(socket)).resume();
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as { port: number }).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export function describeLifecycle(platform: Platform): void {
  describe('start and stop', () => {
    it('can follow each other in one process, each application recording for itself', async () => {
      const earlier: SpanCollector[] = [];
      for (let round = 0; round < 3; round += 1) {
        const app = await RunningApp.start(platform, { controllers: [WorkController] });
        const caller = newCaller();
        await app.fetch('/work', { caller });
        const page = await app.scrape();
        await app.spans.server(caller.traceId);
        await app.stop();
        expect(page).toMatch(/^work_total 1$/m);
        // Of this trace only: work that an earlier test has left behind may end in any application of the process.
        expect(app.spans.inTrace(caller.traceId).map(({ name }) => name)).toEqual([
          'work',
          'WorkController.work',
          'GET /work',
        ]);
        expect(earlier.flatMap((spans) => spans.inTrace(caller.traceId))).toEqual([]);
        earlier.push(app.spans);
      }
    });

    it('warn of nothing that is already registered', async () => {
      const said: string[] = [];
      const say = (message: string): unknown => said.push(message);
      const emitWarning = jest
        .spyOn(process, 'emitWarning')
        .mockImplementation((warning) => say(String(warning)));
      diag.setLogger({ error: say, warn: say, info: say, debug: say, verbose: say }, DiagLogLevel.WARN);
      try {
        for (let round = 0; round < 2; round += 1) {
          const app = await RunningApp.start(platform, { controllers: [WorkController] });
          await app.fetch('/work');
          await app.stop();
        }
        // Shows that both would have been heard.
        diag.warn('heard from OpenTelemetry');
        process.emitWarning('heard from the process');
      } finally {
        emitWarning.mockRestore();
        diag.disable();
      }
      expect(said).toEqual(['heard from OpenTelemetry', 'heard from the process']);
    });

    it('attach to an OpenTelemetry that the application started, and leave it running', async () => {
      const theirs = new SpanCollector();
      const stopTheirs = platform.startOwnSdk(theirs);
      try {
        const app = await RunningApp.start(platform, { controllers: [WorkController] });
        const [caller, later] = [newCaller(), newCaller()];
        await app.fetch('/work', { caller });
        const server = await theirs.server(caller.traceId);
        const work = await theirs.named(caller.traceId, 'work');
        expect(server.name).toBe('GET /work');
        expect(server.parentSpanContext?.spanId).toBe(caller.spanId);
        expect(theirs.isBelow(work, server)).toBe(true);
        await app.stop();

        const again = await RunningApp.start(platform, { controllers: [WorkController] });
        await again.fetch('/work', { caller: later });
        expect((await theirs.server(later.traceId)).name).toBe('GET /work');
        await again.stop();
      } finally {
        await stopTheirs();
      }
    });

    it('record what the hooks of other modules do at the end, in any order of imports', async () => {
      const upstream = createHttpServer((_request, response) => response.end('ok'));
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(upstream.address() as { port: number }).port}/bye`;
      const atEnd: string[] = [];
      const sums: number[] = [];
      const work = async (place: string): Promise<void> => {
        // The modules after this one have their turn meanwhile, if they do not wait for it.
        await new Promise((resolve) => setTimeout(resolve, 20));
        const telemetry = getTelemetry('Ending');
        await telemetry.trace(place, async () => {
          telemetry.logInfo(place);
          telemetry.counter('ended_total').add(1);
          await (await fetch(url)).text();
        });
        atEnd.push(place);
      };
      class Ending implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
        constructor(private readonly name: string) {}
        onModuleDestroy = () => work(`${this.name} destroyed`);
        beforeApplicationShutdown = () => work(`${this.name} before`);
        onApplicationShutdown = () => work(`${this.name} ended`);
      }
      const provide = (name: string) => ({ provide: name, useFactory: () => new Ending(name) });
      @Global()
      @Module({ providers: [provide('global before ours')] })
      class GlobalBefore extends Ending {
        constructor() {
          super('class of a global before ours');
        }
      }
      @Global()
      @Module({ providers: [provide('global after ours')] })
      class GlobalAfter {}
      @Module({ providers: [provide('imports ours')] })
      class Dependent {
        static importing(telemetry: DynamicModule): DynamicModule {
          return { module: Dependent, imports: [GlobalBefore, telemetry, GlobalAfter] };
        }
      }
      const reader = new PeriodicExportingMetricReader({
        exporter: {
          export: ({ scopeMetrics }, done) => {
            for (const { descriptor, dataPoints } of scopeMetrics.flatMap(({ metrics }) => metrics))
              if (descriptor.name === 'ended_total') sums.push(Number(dataPoints[0]?.value));
            done({ code: ExportResultCode.SUCCESS });
          },
          forceFlush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        },
      });
      const app = await RunningApp.start(platform, {
        providers: [provide('root')],
        telemetry: { metricReaders: [reader], serviceName: 'ending' },
        importTelemetry: (options) => Dependent.importing(TelemetryModule.forRoot(options)),
      });
      // NestJS 11 runs every hook again for each further close, also while the first one is under way.
      await (platform.nest === 11 ? app.stop() : Promise.all([app.stop(), app.app.close()]));
      getTelemetry('Main').logInfo('closed');
      await new Promise((resolve) => upstream.close(resolve));

      const names = [
        'class of a global before ours',
        'global before ours',
        'global after ours',
        'imports ours',
        'root',
      ];
      const expected = names
        .flatMap((name) => [`${name} before`, `${name} destroyed`, `${name} ended`])
        .sort();
      expect([...atEnd].sort()).toEqual(expected);
      const spans = app.spans.ended;
      const recorded = spans.filter(({ instrumentationScope }) => instrumentationScope.name === 'Ending');
      expect(recorded.map(({ name }) => name).sort()).toEqual(expected);
      for (const span of recorded) {
        const { traceId, spanId } = span.spanContext();
        const client = spans.find(({ parentSpanContext }) => parentSpanContext?.spanId === spanId);
        expect([span.name, client?.kind]).toEqual([span.name, SpanKind.CLIENT]);
        expect(app.log.lines).toContainEqual(expect.objectContaining({ msg: span.name, trace_id: traceId }));
      }
      expect(sums.at(-1)).toBe(atEnd.length);
      expect(app.log.lines.at(-1)).toMatchObject({ msg: 'closed', context: 'Main', service: 'ending' });
    });

    describe('when the collector accepts connections and never answers', () => {
      const protocols = ['grpc', 'http/protobuf'] as const;
      // Filled by both: the same warning is not said twice.
      const said: string[] = [];
      const hole = new BlackHole();
      let port: number;
      let emitWarning: jest.SpyInstance;
      beforeAll(async () => {
        port = await hole.listen();
        emitWarning = jest
          .spyOn(process, 'emitWarning')
          .mockImplementation((warning) => said.push(String(warning)));
      });
      afterAll(async () => {
        await hole.close();
        // What still waited for the collector now learns that it is gone, and says so.
        await new Promise((resolve) => setTimeout(resolve, 100));
        emitWarning.mockRestore();
      });

      it.each(protocols)('give up at the deadline, and warn, by %s', async (otlpProtocol) => {
        const app = await RunningApp.start(platform, {
          controllers: [WorkController],
          telemetry: { otlpEndpoint: `http://127.0.0.1:${port}`, otlpProtocol, shutdownTimeoutMs: 400 },
        });
        await app.fetch('/work');
        const began = performance.now();
        await app.stop();
        const took = performance.now() - began;
        said.push(...app.log.lines.map(({ msg }) => msg ?? ''));
        expect(took).toBeGreaterThan(300);
        // Without the deadline a request takes ten seconds.
        expect(took).toBeLessThan(6_000);
        expect(said).toContainEqual(expect.stringContaining('gave up after 400 ms'));
      });
    });

    it('hand every span to the exporters before the stop is over', async () => {
      const late = new SpanCollector();
      const flushed: string[] = [];
      const batching = {
        onStart: () => undefined,
        onEnd: (span: SpanCollector['ended'][number]) => {
          late.onEnd(span);
        },
        forceFlush: async () => undefined,
        shutdown: async () => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          flushed.push(...late.ended.map(({ name }) => name));
        },
      };
      const app = await RunningApp.start(platform, {
        controllers: [WorkController],
        telemetry: { spanProcessors: [batching] },
      });
      const caller = newCaller();
      await app.fetch('/work', { caller });
      await app.spans.server(caller.traceId);
      await app.stop();
      expect(flushed).toEqual(expect.arrayContaining(['work', 'GET /work']));
    });
  });
}
