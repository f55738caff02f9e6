import { Controller, Get, Injectable, Logger, Scope } from '@nestjs/common';
import { Cron, CronExpression, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { getCurrentTraceId, TelemetryService, Trace } from 'nestjs-telemetry';

import { eventually } from '../../../support/eventually.js';
import { type SpanCollector } from '../collectors.js';
import { type Platform } from '../platform.js';
import { newCaller, RunningApp } from '../running-app.js';

/** What the next run of each job has to wait for. */
const gate = { opened: Promise.resolve() };

@Injectable()
class CleanupService {
  readonly #secret = 'reachable';
  runs = 0;

  constructor(private readonly telemetry: TelemetryService) {}

  @Cron(CronExpression.EVERY_SECOND, { name: 'nightly', timeZone: 'Europe/Berlin' })
  async purge(): Promise<void> {
    await this.telemetry.trace('delete rows', async () => undefined);
    this.runs += this.#secret.length;
  }

  @Interval('heartbeat', 50)
  beat(): string | undefined {
    return getCurrentTraceId();
  }

  @Timeout(20)
  warmUp(): void {
    throw new TypeError('cold');
  }

  @Interval(30)
  async slow(): Promise<void> {
    await gate.opened;
  }

  @Trace('own name')
  @Interval(40)
  traced(): void {
    // Its span is what is looked at.
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedService {
  @Interval(10)
  never(): void {
    throw new Error('Nest registers no timers of request-scoped providers');
  }
}

@Controller()
class CleanupController {
  constructor(
    private readonly cleanup: CleanupService,
    private readonly registry: SchedulerRegistry,
  ) {}

  @Get('beat')
  beat(): { traceId: string | undefined } {
    return { traceId: this.cleanup.beat() };
  }

  @Get('interval')
  addFromRequest(): void {
    const { constructor: CronJob } = this.registry.getCronJob('nightly') as unknown as {
      constructor: { from(options: object): Parameters<SchedulerRegistry['addCronJob']>[1] };
    };
    const onTick = async (): Promise<void> => {
      await gate.opened;
      throw new RangeError('late');
    };
    const job = CronJob.from({ cronTime: '* * * * * *', onTick, errorHandler: () => undefined });
    this.registry.addCronJob('added later', job);
    job.start();
  }
}

function runsOf(spans: SpanCollector, name: string): SpanCollector['ended'] {
  return spans.ended.filter((span) => span.name === name);
}

export function describeSchedule(platform: Platform): void {
  describe('@nestjs/schedule', () => {
    let app: RunningApp;
    // What Nest says, whether or not an application of another test has silenced its logger.
    const logged: string[] = [];
    const spies: jest.SpyInstance[] = [];
    beforeAll(async () => {
      for (const level of ['error', 'warn'] as const) {
        spies.push(
          jest.spyOn(Logger.prototype, level).mockImplementation((...said: unknown[]) => {
            logged.push(String(said[0]));
          }),
        );
      }
      app = await RunningApp.start(platform, {
        imports: [ScheduleModule.forRoot()],
        controllers: [CleanupController],
        providers: [CleanupService, ScopedService],
      });
    });
    afterAll(async () => {
      await app.stop();
      for (const spy of spies) spy.mockRestore();
    });

    it('gives each run of a cron job a trace of its own, and its work is in it', async () => {
      const [first, second] = await eventually('two runs', () => {
        const runs = runsOf(app.spans, 'CleanupService.purge');
        return runs.length >= 2 && runs;
      });
      expect(first!.kind).toBe(SpanKind.INTERNAL);
      expect(first!.parentSpanContext).toBeUndefined();
      expect(first!.attributes).toMatchObject({
        'code.function.name': 'CleanupService.purge',
        'nestjs.schedule.type': 'cron',
        'nestjs.schedule.name': 'nightly',
        'nestjs.schedule.time_zone': 'Europe/Berlin',
        'faas.cron': CronExpression.EVERY_SECOND,
      });
      expect(second!.spanContext().traceId).not.toBe(first!.spanContext().traceId);
      const work = await app.spans.named(first!.spanContext().traceId, 'delete rows');
      expect(work.parentSpanContext?.spanId).toBe(first!.spanContext().spanId);
    });

    it('names what an interval and a timeout are', async () => {
      const [beat] = await eventually('a run', () => {
        const runs = runsOf(app.spans, 'CleanupService.beat');
        return runs.length > 0 && runs;
      });
      expect(beat!.attributes).toMatchObject({
        'nestjs.schedule.type': 'interval',
        'nestjs.schedule.name': 'heartbeat',
        'nestjs.schedule.milliseconds': 50,
      });
      const [warmUp] = runsOf(app.spans, 'CleanupService.warmUp');
      expect(warmUp!.attributes).toMatchObject({
        'nestjs.schedule.type': 'timeout',
        'nestjs.schedule.milliseconds': 20,
      });
    });

    it('records what a run throws, which Nest still logs', async () => {
      const run = await eventually('the failed run', () => runsOf(app.spans, 'CleanupService.warmUp')[0]);
      expect(run.status).toEqual({ code: SpanStatusCode.ERROR, message: 'cold' });
      expect(run.attributes['error.type']).toBe('TypeError');
      expect(run.events.map(({ name }) => name)).toEqual(['exception']);
      expect(logged).toContainEqual(expect.stringContaining('cold'));
    });

    it('leaves a call by the application in the trace of its caller, without a run of its own', async () => {
      const caller = newCaller();
      const response = await app.fetch('/beat', { caller });
      expect(await response.json()).toEqual({ traceId: caller.traceId });
      await app.spans.server(caller.traceId);
      expect(app.spans.inTrace(caller.traceId).map(({ name }) => name)).not.toContain('CleanupService.beat');
    });

    it('keeps runs apart that overlap, and marks them', async () => {
      let open = (): void => undefined;
      gate.opened = new Promise((resolve) => (open = resolve));
      const isRun = ({ name }: SpanCollector['started'][number]): boolean => name === 'CleanupService.slow';
      const before = app.spans.started.filter(isRun).length;
      await eventually('two open runs', () => app.spans.started.filter(isRun).length > before + 1);
      open();
      const runs = await eventually('their ends', () => {
        const ended = runsOf(app.spans, 'CleanupService.slow');
        return ended.length > before + 1 && ended.slice(before);
      });
      const traces = new Set(runs.map((run) => run.spanContext().traceId));
      expect(traces.size).toBe(runs.length);
      expect(runs[1]!.attributes['nestjs.schedule.overlapping']).toBe(true);
    });

    it('gives a method that @Trace() decorates no second span', async () => {
      const run = await eventually('a run', () => runsOf(app.spans, 'own name')[0]);
      expect(run.parentSpanContext).toBeUndefined();
      expect(runsOf(app.spans, 'CleanupService.traced')).toEqual([]);
    });

    it('never makes a job that a request added part of that request', async () => {
      const caller = newCaller();
      await app.fetch('/interval', { caller });
      const run = await eventually('a run', () => runsOf(app.spans, 'CronJob.onTick')[0]);
      expect(run.spanContext().traceId).not.toBe(caller.traceId);
      expect(run.parentSpanContext).toBeUndefined();
      expect(run.attributes).toMatchObject({
        'nestjs.schedule.name': 'added later',
        'faas.cron': '* * * * * *',
        'error.type': 'RangeError',
      });
      expect(
        runsOf(app.spans, 'CronJob.onTick').map(({ attributes }) => attributes['nestjs.schedule.name']),
      ).not.toContain('nightly');
    });

    it('measures the runs of each job by how they ended', async () => {
      await eventually('the failed run', () => runsOf(app.spans, 'CleanupService.warmUp')[0]);
      const counts = (await app.scrape())
        .split('\n')
        .filter((line) => line.startsWith('nestjs_schedule_run_duration_seconds_count'));
      const failed = counts.filter((line) => line.includes('"CleanupService.warmUp"'));
      expect(failed).toEqual([expect.stringMatching(/error_type="TypeError".*outcome="error"\} 1$/)]);
      expect(counts).toContainEqual(expect.stringMatching(/"CleanupService.purge".*outcome="success"/));
      expect(counts.join()).not.toContain('added later');
    });

    it('logs nothing about request-scoped providers except what Nest logs', () => {
      expect(runsOf(app.spans, 'ScopedService.never')).toEqual([]);
      expect(logged).toContainEqual(
        expect.stringContaining('Cannot register interval "ScopedService@never"'),
      );
    });
  });

  describe('@nestjs/schedule, switched off', () => {
    it('runs the jobs without traces of their own', async () => {
      const app = await RunningApp.start(platform, {
        imports: [ScheduleModule.forRoot()],
        providers: [CleanupService],
        telemetry: { instrumentation: { schedule: false } },
      });
      await eventually('a run', () => runsOf(app.spans, 'own name')[0]);
      const names = app.spans.ended.map(({ name }) => name);
      await app.stop();
      expect(names).not.toContain('CleanupService.beat');
    });
  });

  describe('@nestjs/schedule, in two applications', () => {
    it('is recorded until the last of them has closed, and then as Nest made it', async () => {
      const { addCronJob } = SchedulerRegistry.prototype;
      const parts = { imports: [ScheduleModule.forRoot()], providers: [CleanupService] };
      const one = await RunningApp.start(platform, parts);
      const other = await RunningApp.start(platform, parts);
      expect(SchedulerRegistry.prototype.addCronJob).not.toBe(addCronJob);
      await one.stop();
      expect(SchedulerRegistry.prototype.addCronJob).not.toBe(addCronJob);
      await other.stop();
      expect(SchedulerRegistry.prototype.addCronJob).toBe(addCronJob);
    });
  });
}
