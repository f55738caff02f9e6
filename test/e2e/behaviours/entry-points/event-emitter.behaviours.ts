import { Controller, Get, Injectable, Scope } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { getCurrentTraceId, TelemetryService, Trace } from 'nestjs-telemetry';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { newCaller, RunningApp } from '../running-app.js';

interface Order {
  readonly id: string;
}

const handled: string[] = [];

@Injectable()
class OrderListener {
  readonly #prefix = 'handled';

  constructor(private readonly telemetry: TelemetryService) {}

  @OnEvent('order.created')
  async handle({ id }: Order): Promise<string> {
    await this.telemetry.trace('send mail', async () => undefined);
    handled.push(`${this.#prefix} ${id}`);
    return id;
  }

  @OnEvent('order.created', { async: true })
  later(): void {
    handled.push('later');
  }

  @OnEvent('order.created', { nextTick: true, promisify: false })
  nextTick(): void {
    handled.push('next tick');
  }

  @OnEvent('order.created', { prependListener: true })
  first({ id }: Order): void {
    handled.push(`first ${id}`);
  }

  @OnEvent('order.*')
  @OnEvent('invoice.**')
  all(): void {
    handled.push('any');
  }

  @OnEvent('order.failed')
  fail(): void {
    throw new RangeError('out of stock');
  }

  @OnEvent('order.refused', { suppressErrors: false })
  refuse(): void {
    throw new RangeError('refused');
  }

  @OnEvent('order.created')
  @Trace('own name')
  traced(): void {
    handled.push('traced');
  }

  @Trace('below the other')
  @OnEvent('order.created')
  tracedAbove(): void {
    handled.push('traced above');
  }
}

class BaseListener {
  @OnEvent('base.event')
  inherited(): void {
    handled.push(this.constructor.name);
  }
}

@Injectable()
class FirstListener extends BaseListener {}

@Injectable()
class SecondListener extends BaseListener {}

@Injectable()
class OverridingListener extends BaseListener {
  @OnEvent('base.event')
  override inherited(): void {
    super.inherited();
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedListener {
  @OnEvent('scoped')
  handle(): void {
    handled.push('scoped');
  }
}

@Controller()
class OrdersController {
  constructor(private readonly events: EventEmitter2) {}

  @Get('emit')
  emit(): boolean {
    return this.events.emit('order.created', { id: '7' });
  }

  @Get('health')
  health(): void {
    this.emit();
  }

  @Get('emit-async')
  async emitAsync(): Promise<unknown[]> {
    return (await this.events.emitAsync('order.created', { id: '8' })) as unknown[];
  }

  @Get('fail')
  fail(): void {
    this.events.emit('order.failed', {});
  }

  @Get('refuse')
  async refuse(): Promise<string> {
    return this.events.emitAsync('order.refused', {}).then(
      () => 'accepted',
      (error: unknown) => (error as Error).message,
    );
  }

  @Get('base')
  base(): void {
    this.events.emit('base.event');
    this.events.emit('scoped', {});
  }
}

const parts = {
  imports: [EventEmitterModule.forRoot({ wildcard: true })],
  controllers: [OrdersController],
  providers: [OrderListener, FirstListener, SecondListener, OverridingListener, ScopedListener],
};

export function describeEventEmitter(platform: Platform): void {
  describe('@nestjs/event-emitter', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, parts);
    });
    afterAll(() => app.stop());

    it('shows each listener below the span that emitted', async () => {
      const caller = newCaller();
      await app.fetch('/emit', { caller });
      const handle = await app.spans.named(caller.traceId, 'OrderListener.handle');
      const emitter = await app.spans.named(caller.traceId, 'OrdersController.emit');
      expect(handle.kind).toBe(SpanKind.INTERNAL);
      expect(handle.parentSpanContext?.spanId).toBe(emitter.spanContext().spanId);
      expect(handle.attributes).toMatchObject({
        'code.function.name': 'OrderListener.handle',
        'nestjs.event.name': 'order.created',
      });
      const mail = await app.spans.named(caller.traceId, 'send mail');
      expect(mail.parentSpanContext?.spanId).toBe(handle.spanContext().spanId);
      expect(handled).toContain('handled 7');
    });

    it('shows listeners that run later below the emitter too', async () => {
      const caller = newCaller();
      await app.fetch('/emit', { caller });
      const emitter = await app.spans.named(caller.traceId, 'OrdersController.emit');
      for (const name of ['OrderListener.later', 'OrderListener.nextTick']) {
        const span = await app.spans.named(caller.traceId, name);
        expect(span.parentSpanContext?.spanId).toBe(emitter.spanContext().spanId);
      }
    });

    it('gives the emitter what the listeners returned, and keeps their order', async () => {
      handled.length = 0;
      const caller = newCaller();
      const response = await app.fetch('/emit-async', { caller });
      expect(await response.json()).toContain('8');
      expect(handled[0]).toBe('first 8');
      const emitter = await app.spans.named(caller.traceId, 'OrdersController.emitAsync');
      const handle = await app.spans.named(caller.traceId, 'OrderListener.handle');
      expect(handle.parentSpanContext?.spanId).toBe(emitter.spanContext().spanId);
    });

    it('names the patterns of a listener for several events', async () => {
      const caller = newCaller();
      await app.fetch('/emit', { caller });
      const { attributes } = await app.spans.named(caller.traceId, 'OrderListener.all');
      expect(sorted(attributes)).toEqual(['invoice.**', 'order.*']);
    });

    it('gives a listener that @Trace() decorates no second span, in either order of the decorators', async () => {
      const caller = newCaller();
      await app.fetch('/emit', { caller });
      await app.spans.named(caller.traceId, 'own name');
      await app.spans.named(caller.traceId, 'below the other');
      const names = app.spans.inTrace(caller.traceId).map(({ name }) => name);
      expect(names).not.toContain('OrderListener.traced');
      expect(names).not.toContain('OrderListener.tracedAbove');
    });

    it('records what a listener throws, though Nest suppresses it', async () => {
      const caller = newCaller();
      const response = await app.fetch('/fail', { caller });
      expect(response.status).toBe(200);
      const span = await app.spans.named(caller.traceId, 'OrderListener.fail');
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'out of stock' });
      expect(span.attributes['error.type']).toBe('RangeError');
      const emitter = await app.spans.named(caller.traceId, 'OrdersController.fail');
      expect(emitter.status.code).toBe(SpanStatusCode.UNSET);
    });

    it('rethrows errors to the emitter that are not suppressed', async () => {
      const caller = newCaller();
      const response = await app.fetch('/refuse', { caller });
      expect(await response.text()).toBe('refused');
      const span = await app.spans.named(caller.traceId, 'OrderListener.refuse');
      expect(span.status.code).toBe(SpanStatusCode.ERROR);
    });

    it('names the span of an inherited listener after the class that listens, and knows request-scoped ones', async () => {
      const caller = newCaller();
      await app.fetch('/base', { caller });
      for (const name of ['FirstListener.inherited', 'SecondListener.inherited', 'ScopedListener.handle']) {
        await app.spans.named(caller.traceId, name);
      }
    });

    it('shows a listener that overrides another once, though it calls that', async () => {
      handled.length = 0;
      const caller = newCaller();
      await app.fetch('/base', { caller });
      await app.spans.named(caller.traceId, 'OverridingListener.inherited');
      const names = app.spans.inTrace(caller.traceId).map(({ name }) => name);
      expect(names.filter((name) => name === 'OverridingListener.inherited')).toHaveLength(1);
      expect(handled).toContain('OverridingListener');
    });

    it('calls listeners as they are below a caller that is not sampled, and below an ignored request', async () => {
      const caller = newCaller();
      const unsampled = { ...caller, traceparent: caller.traceparent.replace(/01$/, '00') };
      for (const path of ['/emit', '/health']) {
        const before = app.spans.started.length;
        handled.length = 0;
        await app.fetch(path, { caller: unsampled });
        await eventually('the last listener', () => handled.includes('later'));
        expect(handled).toContain('handled 7');
        expect(app.spans.started.slice(before)).toEqual([]);
      }
    });

    it('starts a trace for a listener of an event that was emitted outside of any', async () => {
      const before = app.spans.ended.length;
      app.app.get(EventEmitter2).emit('order.failed', {});
      const span = await eventually('the span', () =>
        app.spans.ended.slice(before).find(({ name }) => name === 'OrderListener.fail'),
      );
      expect(span.parentSpanContext).toBeUndefined();
    });
  });

  describe('@nestjs/event-emitter, switched off', () => {
    it('leaves listeners in the span of the emitter', async () => {
      const app = await RunningApp.start(platform, {
        ...parts,
        telemetry: { instrumentation: { eventEmitter: false } },
      });
      handled.length = 0;
      const caller = newCaller();
      await app.fetch('/emit', { caller });
      const mail = await app.spans.named(caller.traceId, 'send mail');
      const emitter = await app.spans.named(caller.traceId, 'OrdersController.emit');
      await app.stop();
      expect(mail.parentSpanContext?.spanId).toBe(emitter.spanContext().spanId);
      expect(handled).toContain('handled 7');
    });

    it('calls them as they are where telemetry is disabled', async () => {
      const app = await RunningApp.start(platform, { ...parts, telemetry: { enabled: false } });
      handled.length = 0;
      await app.fetch('/emit');
      await eventually('the last listener', () => handled.includes('later'));
      expect(getCurrentTraceId()).toBeUndefined();
      await app.stop();
      expect(app.spans.ended).toEqual([]);
    });
  });
}

function sorted(attributes: Attributes): string[] {
  return String(attributes['nestjs.event.name']).split(', ').sort();
}
