import {
  BullModule,
  getFlowProducerToken,
  getQueueToken,
  InjectFlowProducer,
  InjectQueue,
  OnQueueEvent,
  OnWorkerEvent,
  Processor,
  QueueEventsHost,
  QueueEventsListener,
  WorkerHost,
} from '@nestjs/bullmq';
import { Controller, Get, Query } from '@nestjs/common';
import { propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { DelayedError, type FlowProducer, type Job, Queue, type QueueOptions, Worker } from 'bullmq';
import { getTelemetry, TelemetryService } from 'nestjs-telemetry';

import { type Platform, platformName } from '../../e2e/behaviours/platform.js';
import { newCaller, RunningApp } from '../../e2e/behaviours/running-app.js';
import { eventually } from '../../support/eventually.js';
import { describeWith } from '../backend-processes.js';
import { RedisServer } from '../redis-server.js';

interface Mail {
  readonly to: string;
}

const seen: { job: string; data: unknown; baggage: string | undefined }[] = [];

@Processor('mail', { concurrency: 2 })
class MailProcessor extends WorkerHost {
  constructor(private readonly telemetry: TelemetryService) {
    super();
  }

  async process(job: Job<Mail>, token?: string): Promise<string> {
    const baggage = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
    seen.push({ job: job.name, data: job.data, baggage });
    if (job.name.startsWith('flaky') && job.attemptsMade === 0) throw new RangeError('mailbox full');
    if (job.name === 'postponed' && job.attemptsStarted === 1) {
      await job.moveToDelayed(Date.now() + 50, token);
      throw new DelayedError();
    }
    return this.telemetry.trace('smtp', async () => {
      await job.updateProgress(50);
      return `sent to ${job.data.to}`;
    });
  }

  @OnWorkerEvent('completed')
  onCompleted(job: Job): void {
    this.telemetry.logInfo(`completed ${job.name}`);
  }

  @OnWorkerEvent('failed')
  onFailed(job: Job): void {
    this.telemetry.logInfo(`failed ${job.name}`);
  }
}

@QueueEventsListener('mail')
class MailEvents extends QueueEventsHost {
  @OnQueueEvent('completed')
  onCompletedAnywhere(): void {
    // Its span is what is looked at.
  }
}

@Controller()
class MailController {
  constructor(
    @InjectQueue('mail') private readonly queue: Queue,
    @InjectFlowProducer('flows') private readonly flows: FlowProducer,
  ) {}

  @Get('send')
  async send(@Query('name') name: string): Promise<string | undefined> {
    const options = { attempts: 2, backoff: 10, ...(name === 'delayed' && { delay: 2_000 }) };
    return (await this.queue.add(name, { to: 'ada' }, options)).id;
  }

  @Get('bulk')
  async bulk(): Promise<void> {
    const jobs = ['first', 'second'].map((name) => ({ name, data: { to: name } }));
    await this.queue.addBulk(jobs);
  }

  @Get('flow')
  async flow(): Promise<void> {
    const children = [{ name: 'child', queueName: 'mail', data: { to: 'child' } }];
    await this.flows.add({ name: 'parent', queueName: 'mail', data: { to: 'parent' }, children });
  }

  @Get('schedule')
  async schedule(): Promise<void> {
    await this.queue.upsertJobScheduler(
      'often',
      { every: 100, limit: 3 },
      { name: 'scheduled', data: { to: 'ada' } },
    );
  }

  @Get('refused')
  async refused(): Promise<string> {
    return this.queue.add('refused', {}, { jobId: '0' }).then(
      () => 'added',
      (error: unknown) => (error as Error).message,
    );
  }
}

export function describeBullmq(platform: Platform): void {
  describeWith('redis', `BullMQ on Redis, ${platformName(platform)}`, (binary) => {
    let redis: RedisServer;
    let app: RunningApp;
    const connection = (): { host: string; port: number } => ({ host: redis.host, port: redis.port });
    beforeAll(async () => {
      redis = await RedisServer.start(binary);
      app = await RunningApp.start(platform, {
        imports: [
          BullModule.forRoot({ connection: connection() }),
          BullModule.registerQueue({ name: 'mail' }),
          BullModule.registerFlowProducer({ name: 'flows' }),
        ],
        controllers: [MailController],
        providers: [MailProcessor, MailEvents],
      });
    });
    afterAll(async () => {
      await app.stop();
      await redis.stop();
    });

    /** The attempts at jobs of that name so far, once there are `count`. */
    function attemptsAt(name: string, count = 1): Promise<ReadableSpan[]> {
      return eventually(`${count} attempts at ${name}`, () => {
        const attempts = app.spans.ended.filter(
          (span) => span.kind === SpanKind.CONSUMER && span.attributes['bullmq.job.name'] === name,
        );
        return attempts.length >= count && attempts;
      });
    }

    /** Requests `path`, and gives the span of whoever added a job there. */
    async function addBy(path: string, name = 'add mail'): Promise<ReadableSpan> {
      const caller = newCaller();
      await app.fetch(path, { caller, headers: { baggage: 'tenant=acme' } });
      await app.spans.server(caller.traceId);
      return app.spans.named(caller.traceId, name);
    }

    it('shows a job that is added as a producer below its caller, without the commands it takes', async () => {
      const producer = await addBy('/send?name=welcome');
      const below = app.spans.inTrace(producer.spanContext().traceId).map(({ name }) => name);
      expect(below.sort()).toEqual(['GET /send', 'MailController.send', 'add mail']);
      expect(producer.kind).toBe(SpanKind.PRODUCER);
      expect(producer.attributes).toMatchObject({
        'messaging.system.name': 'bullmq',
        'messaging.destination.name': 'mail',
        'messaging.operation.name': 'add',
        'messaging.operation.type': 'send',
        'bullmq.job.name': 'welcome',
        'messaging.message.id': expect.stringMatching(/^\d+$/) as unknown,
      });
    });

    it('shows the attempt as a trace of its own, linked with the producer', async () => {
      const producer = await addBy('/send?name=linked');
      const [attempt] = await attemptsAt('linked');
      expect(attempt!.name).toBe('process mail');
      expect(attempt!.parentSpanContext).toBeUndefined();
      expect(attempt!.spanContext().traceId).not.toBe(producer.spanContext().traceId);
      expect(attempt!.links.map(({ context }) => context.spanId)).toEqual([producer.spanContext().spanId]);
      expect(attempt!.attributes).toMatchObject({
        'messaging.operation.type': 'process',
        'messaging.message.id': producer.attributes['messaging.message.id'],
        'bullmq.job.attempt': 1,
        'code.function.name': 'MailProcessor.process',
      });
      const work = await app.spans.named(attempt!.spanContext().traceId, 'smtp');
      expect(work.parentSpanContext?.spanId).toBe(attempt!.spanContext().spanId);
    });

    it('leaves the data of a job as it was added, and brings the baggage along', async () => {
      await addBy('/send?name=data');
      await attemptsAt('data');
      expect(seen.filter(({ job }) => job === 'data')).toEqual([
        { job: 'data', data: { to: 'ada' }, baggage: 'acme' },
      ]);
    });

    it('shows what a listener of the queue does below the call that added the job', async () => {
      const queue = app.app.get<Queue>(getQueueToken('mail'));
      queue.once('waiting', () => {
        getTelemetry('listener').trace('on waiting', () => undefined);
      });
      const producer = await addBy('/send?name=waiting');
      const listener = await app.spans.named(producer.spanContext().traceId, 'on waiting');
      expect(listener.parentSpanContext?.spanId).toBe(producer.spanContext().spanId);
    });

    it('decides on the attempt again where the caller that added the job was not sampled', async () => {
      const caller = newCaller();
      const unsampled = { ...caller, traceparent: caller.traceparent.replace(/01$/, '00') };
      await app.fetch('/send?name=unsampled', { caller: unsampled, headers: { baggage: 'tenant=acme' } });
      const [attempt] = await attemptsAt('unsampled');
      expect(attempt!.spanContext().traceId).not.toBe(caller.traceId);
      expect(attempt!.links.map(({ context }) => context.traceId)).toEqual([caller.traceId]);
      expect(app.spans.inTrace(caller.traceId)).toEqual([]);
      expect(seen.find(({ job }) => job === 'unsampled')?.baggage).toBe('acme');
    });

    it('gives each attempt a trace, with what was thrown, and links all with the producer', async () => {
      const producer = await addBy('/send?name=flaky');
      const [failed, succeeded] = await attemptsAt('flaky', 2);
      expect(failed!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'mailbox full' });
      expect(failed!.events.map(({ name }) => name)).toEqual(['exception']);
      expect(succeeded!.status.code).toBe(SpanStatusCode.UNSET);
      expect([failed, succeeded].map((span) => span!.attributes['bullmq.job.attempt'])).toEqual([1, 2]);
      expect(failed!.spanContext().traceId).not.toBe(succeeded!.spanContext().traceId);
      for (const span of [failed, succeeded]) {
        expect(span!.links[0]?.context.spanId).toBe(producer.spanContext().spanId);
      }
    });

    it('runs the listeners of the worker in the trace of the attempt', async () => {
      await addBy('/send?name=flaky-too');
      const [failed, succeeded] = await attemptsAt('flaky-too', 2);
      const onFailed = await app.spans.named(failed!.spanContext().traceId, 'MailProcessor.onFailed');
      expect(onFailed.parentSpanContext?.spanId).toBe(failed!.spanContext().spanId);
      expect(onFailed.attributes['nestjs.event.name']).toBe('failed');
      await app.spans.named(succeeded!.spanContext().traceId, 'MailProcessor.onCompleted');
      const lines = app.log.lines.filter(({ msg }) => msg === 'completed flaky-too');
      expect(lines.map((line) => line.trace_id)).toContain(succeeded!.spanContext().traceId);
    });

    it('makes no error of a job that puts itself off', async () => {
      await addBy('/send?name=postponed');
      const [postponed, done] = await attemptsAt('postponed', 2);
      expect(postponed!.status.code).toBe(SpanStatusCode.UNSET);
      expect(done!.attributes['bullmq.job.attempt']).toBe(2);
    });

    it('links every job of a bulk and of a flow with the call that added them', async () => {
      const bulk = await addBy('/bulk', 'addBulk mail');
      expect(bulk.attributes['messaging.batch.message_count']).toBe(2);
      const flow = await addBy('/flow', 'addFlow mail');
      expect(flow.attributes['messaging.batch.message_count']).toBe(2);
      for (const [name, producer] of [
        ['first', bulk],
        ['second', bulk],
        ['child', flow],
        ['parent', flow],
      ] as const) {
        const [attempt] = await attemptsAt(name);
        expect(attempt!.links[0]?.context.spanId).toBe(producer.spanContext().spanId);
      }
    });

    it('links the jobs of a scheduler with the call that set it up, each in a trace of its own', async () => {
      const producer = await addBy('/schedule', 'upsertJobScheduler mail');
      const attempts = await attemptsAt('scheduled', 3);
      expect(new Set(attempts.map((span) => span.spanContext().traceId)).size).toBe(attempts.length);
      for (const attempt of attempts) {
        expect(attempt.links[0]?.context.spanId).toBe(producer.spanContext().spanId);
        expect(attempt.attributes['bullmq.job.scheduler.id']).toBe('often');
      }
    });

    it('records a job that could not be added', async () => {
      const producer = await addBy('/refused');
      expect(producer.status.code).toBe(SpanStatusCode.ERROR);
      expect(producer.status.message).toContain("JobId cannot be '0'");
    });

    it('makes no spans of what workers ask Redis for', async () => {
      await addBy('/send?name=quiet');
      const [attempt] = await attemptsAt('quiet');
      const { traceId } = attempt!.spanContext();
      await app.spans.named(traceId, 'MailProcessor.onCompleted');
      const work = await app.spans.named(traceId, 'smtp');
      const commands = app.spans.inTrace(traceId).filter(({ attributes }) => 'db.system.name' in attributes);
      // The one that the processor asks for itself, by telling its progress.
      expect(commands.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
        work.spanContext().spanId,
      ]);
      const roots = app.spans.ended.filter(({ parentSpanContext }) => parentSpanContext === undefined);
      expect(roots.filter(({ attributes }) => 'db.system.name' in attributes)).toHaveLength(0);
    });

    it('shows listeners of queue events, which come without a trace', async () => {
      const span = await eventually('a listener', () =>
        app.spans.ended.find(({ name }) => name === 'MailEvents.onCompletedAnywhere'),
      );
      expect(span.parentSpanContext).toBeUndefined();
    });

    it('measures attempts by queue, job and outcome, and the wait for the first', async () => {
      await addBy('/send?name=delayed');
      await attemptsAt('delayed');
      await attemptsAt('flaky', 2);
      const page = await app.scrape();
      const line = (name: string, ...labels: string[]): string | undefined =>
        page
          .split('\n')
          .find((each) => each.startsWith(`${name}{`) && labels.every((label) => each.includes(label)));
      const count = 'messaging_process_duration_seconds_count';
      expect(
        line(count, 'bullmq_job_name="flaky"', 'outcome="error"', 'error_type="RangeError"'),
      ).toBeDefined();
      expect(line(count, 'bullmq_job_name="flaky"', 'outcome="success"')).toBeDefined();
      expect(line(count, 'bullmq_job_name="postponed"', 'outcome="postponed"')).toBeDefined();
      const waited = line('bullmq_job_wait_duration_seconds_sum', 'bullmq_job_name="delayed"');
      // Its own delay of 2 s is no wait.
      expect(Number(waited?.split(' ').at(-1))).toBeLessThan(2);
      expect(line('messaging_client_sent_messages_total', 'operation_name="addBulk"')).toMatch(/ 2$/);
    });

    it('leaves a queue alone that has a telemetry of its own', async () => {
      const spans: string[] = [];
      const span = {
        setSpanOnContext: (context: unknown) => context,
        setAttribute: () => undefined,
        setAttributes: () => undefined,
        addEvent: () => undefined,
        recordException: () => undefined,
        end: () => undefined,
      };
      const telemetry: NonNullable<QueueOptions['telemetry']> = {
        tracer: {
          startSpan: (name: string) => {
            spans.push(name);
            return span;
          },
        },
        contextManager: {
          with: (_context, fn) => fn() as never,
          active: () => ({}),
          getMetadata: () => 'theirs',
          fromMetadata: () => ({}),
        },
      };
      const queue = new Queue('theirs', { connection: connection(), telemetry });
      const worker = new Worker('theirs', async () => undefined, { connection: connection(), telemetry });
      const done = new Promise((resolve) => worker.once('completed', resolve));
      await queue.add('job', {});
      await done;
      await worker.close();
      await queue.close();
      expect(spans).toEqual(expect.arrayContaining(['add theirs.job', 'process theirs']));
      expect(app.spans.ended.map(({ name }) => name)).not.toContain('add theirs');
      expect(app.spans.ended.map(({ name }) => name)).not.toContain('process theirs');
    });

    it('counts a job that stalls, and shows one that fails of it without another attempt', async () => {
      const queue = new Queue('stalling', { connection: connection() });
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const options = { connection: connection(), stalledInterval: 100, maxStalledCount: 0 };
      const hanging = new Worker('stalling', () => released, {
        ...options,
        lockDuration: 100,
        skipLockRenewal: true,
        skipStalledCheck: true,
      });
      // A lock that is lost is what this is about.
      hanging.on('error', () => undefined);
      const started = new Promise((resolve) => hanging.once('active', resolve));
      await queue.add('stuck', {});
      await started;
      const rescuer = new Worker('stalling', async () => undefined, options);
      const failure = new Promise<Error>((resolve) =>
        rescuer.once('failed', (_job, error) => {
          resolve(error);
        }),
      );
      expect((await failure).message).toContain('stalled more than allowable limit');
      const failed = await eventually('the failed attempt', () =>
        app.spans.ended.find(
          ({ kind, attributes, status }) =>
            kind === SpanKind.CONSUMER &&
            attributes['bullmq.job.name'] === 'stuck' &&
            status.code === SpanStatusCode.ERROR,
        ),
      );
      expect(failed.status.message).toContain('stalled more than allowable limit');
      expect(failed.links).toHaveLength(1);
      expect(await app.scrape()).toMatch(/bullmq_jobs_stalled_total\{[^}]*"stalling"[^}]*\} 1/);
      release();
      await Promise.all([rescuer.close(), hanging.close(true)]);
      await queue.close();
    });

    it('keeps the loop of a worker out of the request that made it', async () => {
      const queue = new Queue('inner', { connection: connection() });
      const telemetry = getTelemetry('maker');
      const worker = telemetry.trace(
        'makes a worker',
        () => new Worker('inner', async () => undefined, { connection: connection() }),
      );
      const done = new Promise((resolve) => worker.once('completed', resolve));
      await queue.add('one', {});
      await done;
      await worker.close();
      await queue.close();
      const maker = app.spans.ended.find(({ name }) => name === 'makes a worker')!;
      const [attempt] = await attemptsAt('one');
      expect(attempt!.spanContext().traceId).not.toBe(maker.spanContext().traceId);
      expect(app.spans.inTrace(maker.spanContext().traceId)).toEqual([maker]);
    });

    it('processes jobs whose metadata another telemetry wrote', async () => {
      const queue = app.app.get<Queue>(getQueueToken('mail'));
      await queue.add('foreign', { to: 'ada' }, { telemetry: { metadata: 'no JSON' } });
      const [attempt] = await attemptsAt('foreign');
      expect(attempt!.links).toEqual([]);
    });

    it('records the last attempt when the application closes, and gives BullMQ its methods back', async () => {
      const { add } = Queue.prototype;
      const parts = {
        imports: [
          BullModule.forRoot({ connection: connection() }),
          BullModule.registerQueue({ name: 'closing' }),
          BullModule.registerFlowProducer({ name: 'closing' }),
        ],
        providers: [ClosingProcessor],
      };
      const other = await RunningApp.start(platform, parts);
      await other.app.get<Queue>(getQueueToken('closing')).add('slow', {});
      expect(other.app.get<FlowProducer>(getFlowProducerToken('closing'))).toBeDefined();
      await eventually('the start', () => ClosingProcessor.started);
      await other.stop();
      // One provider: spans of both applications reach the processors of the first.
      const [attempt] = await attemptsAt('slow');
      expect(attempt!.attributes['code.function.name']).toBe('ClosingProcessor.process');
      expect(Queue.prototype.add).toBe(add);
    });
  });
}

@Processor('closing')
class ClosingProcessor extends WorkerHost {
  static started = false;

  async process(): Promise<void> {
    ClosingProcessor.started = true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
