import { Controller, Get, Injectable, Param, Scope } from '@nestjs/common';
import {
  AggregateRoot,
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventPublisher,
  EventsHandler,
  type ICommandHandler,
  type IEventHandler,
  type IQueryHandler,
  QueryBus,
  QueryHandler,
  Saga,
  UnhandledExceptionBus,
} from '@nestjs/cqrs';
import { SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { TelemetryService, Trace } from 'nestjs-telemetry';
import { filter, map, type Observable } from 'rxjs';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { newCaller, RunningApp } from '../running-app.js';

class PlaceOrderCommand {
  constructor(readonly id: string) {}
}
class ReserveStockCommand {
  constructor(readonly id: string) {}
}
class UnknownCommand {
  readonly id = 'nobody handles it';
}
class FindOrderQuery {
  constructor(readonly id: string) {}
}
class OrderPlacedEvent {
  constructor(readonly id: string) {}
}
class OrderFailedEvent {
  readonly reason = 'out of stock';
}

@CommandHandler(PlaceOrderCommand)
class PlaceOrderHandler implements ICommandHandler<PlaceOrderCommand> {
  readonly #status = 'placed';

  constructor(private readonly events: EventBus) {}

  async execute({ id }: PlaceOrderCommand): Promise<string> {
    if (id === 'bad') throw new RangeError('no such order');
    await Promise.resolve();
    this.events.publish(new OrderPlacedEvent(id));
    return this.#status;
  }
}

@CommandHandler(ReserveStockCommand, { scope: Scope.REQUEST })
class ReserveStockHandler implements ICommandHandler<ReserveStockCommand> {
  constructor(private readonly telemetry: TelemetryService) {}

  async execute(): Promise<void> {
    await this.telemetry.trace('reserve', async () => undefined);
  }
}

@QueryHandler(FindOrderQuery)
class FindOrderHandler implements IQueryHandler<FindOrderQuery> {
  @Trace('find order')
  async execute({ id }: FindOrderQuery): Promise<string> {
    return id;
  }
}

@EventsHandler(OrderPlacedEvent)
class SendMailHandler implements IEventHandler<OrderPlacedEvent> {
  constructor(private readonly telemetry: TelemetryService) {}

  async handle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await this.telemetry.trace('send mail', async () => undefined);
  }
}

@EventsHandler(OrderFailedEvent)
class FailingHandler implements IEventHandler<OrderFailedEvent> {
  async handle(): Promise<void> {
    throw new TypeError('cannot compensate');
  }
}

@Injectable()
class OrderSagas {
  @Saga()
  orderPlaced = (events$: Observable<unknown>): Observable<ReserveStockCommand> =>
    events$.pipe(
      filter((event) => event instanceof OrderPlacedEvent),
      map(({ id }) => new ReserveStockCommand(id)),
    );
}

class Basket extends AggregateRoot {
  checkOut(): void {
    this.apply(new OrderPlacedEvent('a'));
    this.apply(new OrderPlacedEvent('b'));
  }
}

@Controller()
class OrdersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly events: EventBus,
    private readonly publisher: EventPublisher,
  ) {}

  @Get('place/:id')
  async place(@Param('id') id: string): Promise<string> {
    return this.commands.execute(new PlaceOrderCommand(id));
  }

  @Get('find/:id')
  async find(@Param('id') id: string): Promise<string> {
    return this.queries.execute(new FindOrderQuery(id));
  }

  @Get('unknown')
  async unknown(): Promise<unknown> {
    return this.commands.execute(new UnknownCommand());
  }

  @Get('fail')
  fail(): void {
    this.events.publish(new OrderFailedEvent());
  }

  @Get('basket')
  basket(): void {
    const basket = this.publisher.mergeObjectContext(new Basket());
    basket.checkOut();
    basket.commit();
  }
}

const parts = {
  imports: [CqrsModule.forRoot()],
  controllers: [OrdersController],
  providers: [
    PlaceOrderHandler,
    ReserveStockHandler,
    FindOrderHandler,
    SendMailHandler,
    FailingHandler,
    OrderSagas,
  ],
};

export function describeCqrs(platform: Platform): void {
  describe('@nestjs/cqrs', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, parts);
    });
    afterAll(() => app.stop());

    async function spansOf(path: string, ...names: string[]): Promise<ReadableSpan[]> {
      const caller = newCaller();
      await app.fetch(path, { caller });
      return Promise.all(names.map((name) => app.spans.named(caller.traceId, name)));
    }

    it('shows the handler of a command below the span that executed it', async () => {
      const [controller, handler] = await spansOf(
        '/place/1',
        'OrdersController.place',
        'PlaceOrderHandler.execute',
      );
      expect(handler!.parentSpanContext?.spanId).toBe(controller!.spanContext().spanId);
      expect(handler!.attributes).toMatchObject({
        'code.function.name': 'PlaceOrderHandler.execute',
        'nestjs.type': 'command',
        'nestjs.cqrs.command': 'PlaceOrderCommand',
      });
    });

    it('hands the result of the handler through', async () => {
      expect(await (await app.fetch('/place/1')).text()).toBe('placed');
      expect(await (await app.fetch('/find/7')).text()).toBe('7');
    });

    it('shows an event below its publisher, and its handlers below the event, whenever they run', async () => {
      const names = [
        'PlaceOrderHandler.execute',
        'publish OrderPlacedEvent',
        'SendMailHandler.handle',
        'send mail',
      ];
      const spans = await spansOf('/place/1', ...names);
      for (const [index, span] of spans.slice(1).entries()) {
        expect(span.parentSpanContext?.spanId).toBe(spans[index]!.spanContext().spanId);
      }
      expect(spans[2]!.attributes).toMatchObject({
        'nestjs.type': 'event',
        'nestjs.cqrs.event': 'OrderPlacedEvent',
      });
    });

    it('shows which saga asked for a command, and the event it answers', async () => {
      const names = ['publish OrderPlacedEvent', 'ReserveStockHandler.execute', 'reserve'];
      const [published, handler, work] = await spansOf('/place/1', ...names);
      expect(handler!.parentSpanContext?.spanId).toBe(published!.spanContext().spanId);
      expect(handler!.attributes['nestjs.cqrs.saga']).toBe('orderPlaced');
      expect(work!.parentSpanContext?.spanId).toBe(handler!.spanContext().spanId);
    });

    it('gives a handler that @Trace() decorates no second span', async () => {
      const caller = newCaller();
      await app.fetch('/find/7', { caller });
      await app.spans.named(caller.traceId, 'find order');
      await app.spans.server(caller.traceId);
      expect(app.spans.inTrace(caller.traceId).map(({ name }) => name)).not.toContain(
        'FindOrderHandler.execute',
      );
    });

    it('records what a handler throws, and the caller gets it', async () => {
      const [handler] = await spansOf('/place/bad', 'PlaceOrderHandler.execute');
      expect(handler!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such order' });
      expect(handler!.events.map(({ name }) => name)).toEqual(['exception']);
    });

    it('records a command without a handler in the span of its caller', async () => {
      const [controller] = await spansOf('/unknown', 'OrdersController.unknown');
      expect(controller!.status.code).toBe(SpanStatusCode.ERROR);
      expect(controller!.status.message).toContain('UnknownCommand');
    });

    it('records what the handler of an event throws, which still reaches the bus of unhandled exceptions', async () => {
      const unhandled: unknown[] = [];
      const subscription = app.app.get(UnhandledExceptionBus).subscribe((info) => unhandled.push(info));
      const [handler] = await spansOf('/fail', 'FailingHandler.handle');
      subscription.unsubscribe();
      expect(handler!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'cannot compensate' });
      expect(unhandled).toEqual([
        { cause: expect.any(OrderFailedEvent) as unknown, exception: expect.any(TypeError) as unknown },
      ]);
    });

    it('publishes the events of an aggregate in one span', async () => {
      const caller = newCaller();
      await app.fetch('/basket', { caller });
      const handlers = await eventually('both handlers', () => {
        const ended = app.spans
          .inTrace(caller.traceId)
          .filter(({ name }) => name === 'SendMailHandler.handle');
        return ended.length === 2 && ended;
      });
      const published = await app.spans.named(caller.traceId, 'publish OrderPlacedEvent');
      expect(published.attributes['nestjs.cqrs.event.count']).toBe(2);
      expect(new Set(handlers.map((span) => span.parentSpanContext?.spanId))).toEqual(
        new Set([published.spanContext().spanId]),
      );
    });

    it('handles everything as before where telemetry is disabled or switched off', async () => {
      for (const telemetry of [{ enabled: false }, { instrumentation: { cqrs: false } }]) {
        const off = await RunningApp.start(platform, { ...parts, telemetry });
        expect(await (await off.fetch('/place/1')).text()).toBe('placed');
        const names = off.spans.ended.map(({ name }) => name);
        await off.stop();
        expect(names.filter((name) => /PlaceOrderHandler|publish/.test(name))).toEqual([]);
      }
    });
  });

  describe('@nestjs/cqrs after the last application has closed', () => {
    it('has its own methods again', async () => {
      const { publish } = EventBus.prototype;
      const app = await RunningApp.start(platform, parts);
      expect(EventBus.prototype.publish).not.toBe(publish);
      await app.stop();
      expect(EventBus.prototype.publish).toBe(publish);
    });
  });
}
