import { createServer, type Server, type Socket } from 'node:net';

import { Controller, Get } from '@nestjs/common';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { TelemetryService } from 'nestjs-telemetry';

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

    it('say nothing about things already registered', async () => {
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

    it('attach to an OpenTelemetry that somebody else started, and leave it running', async () => {
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

    describe('when the collector accepts connections and never answers', () => {
      // In a jest without flags, OpenTelemetry's HTTP transport cannot be loaded: it uses import() inside of CommonJS.
      const protocols = platform.nest === 11 ? (['grpc'] as const) : (['grpc', 'http/protobuf'] as const);
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

      it.each(protocols)('give up at the deadline, and say so, by %s', async (otlpProtocol) => {
        const app = await RunningApp.start(platform, {
          controllers: [WorkController],
          telemetry: { otlpEndpoint: `http://127.0.0.1:${port}`, otlpProtocol, shutdownTimeoutMs: 400 },
        });
        await app.fetch('/work');
        const began = performance.now();
        await app.stop();
        const took = performance.now() - began;
        expect(took).toBeGreaterThan(300);
        expect(took).toBeLessThan(2_000);
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
