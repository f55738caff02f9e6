import { InjectQueue, BullModule, OnQueueCompleted, Process, Processor } from '@nestjs/bull';
import { Controller, Get, Module } from '@nestjs/common';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  type ICommandHandler,
} from '@nestjs/cqrs';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { ScheduleModule, Timeout } from '@nestjs/schedule';
import { type Job, type Queue } from 'bull';

import { type Sample } from './sample';

const order: string[] = [];

class PlaceOrder {
  constructor(readonly id: number) {}
}
class OrderPlaced {
  constructor(readonly id: number) {}
}

@CommandHandler(PlaceOrder)
class PlaceOrderHandler implements ICommandHandler<PlaceOrder> {
  constructor(private readonly events: EventBus) {}
  execute({ id }: PlaceOrder): Promise<number> {
    order.push('command');
    this.events.publish(new OrderPlaced(id));
    return Promise.resolve(id);
  }
}
@EventsHandler(OrderPlaced)
class OrderPlacedHandler {
  handle(): void {
    order.push('event');
  }
}

class Listener {
  @OnEvent('order.*') any({ id }: { id: number }): void {
    order.push(`listener ${id}`);
  }
  @Timeout(1) later(): void {
    order.push('timeout');
  }
}

@Controller()
class EventsController {
  constructor(
    private readonly emitter: EventEmitter2,
    private readonly commands: CommandBus,
  ) {}
  @Get('emit') emit(): unknown {
    this.emitter.emit('order.created', { id: 1 });
    return order.splice(0);
  }
  @Get('command') async command(): Promise<unknown> {
    await this.commands.execute(new PlaceOrder(2));
    return order.splice(0);
  }
}

@Module({
  imports: [CqrsModule.forRoot(), EventEmitterModule.forRoot({ wildcard: true }), ScheduleModule.forRoot()],
  controllers: [EventsController],
  providers: [PlaceOrderHandler, OrderPlacedHandler, Listener],
})
class EventsModule {}

const finished: unknown[] = [];

@Processor('audio')
class AudioProcessor {
  @Process('transcode') transcode(job: Job<{ file: string }>): string {
    return `${job.data.file}.mp3`;
  }
  @OnQueueCompleted() completed(job: Job, result: unknown): void {
    finished.push({ name: job.name, result });
  }
}

@Controller('audio')
class AudioController {
  constructor(@InjectQueue('audio') private readonly queue: Queue) {}
  @Get('transcode') async transcode(): Promise<object> {
    const job = await this.queue.add('transcode', { file: 'a' });
    return { name: job.name, data: job.data as object };
  }
  @Get('finished') finished(): unknown {
    return finished;
  }
}

export const eventsSamples: Record<string, Sample> = {
  'event emitter, schedule and CQRS': {
    module: () => EventsModule,
    ask: async (questions) => {
      // The timeout is over once the first request has been answered a few milliseconds later.
      await new Promise((resolve) => setTimeout(resolve, 30));
      await questions.http('GET', '/emit');
      await questions.http('GET', '/command');
    },
    spans: [
      'GET /emit',
      'Listener.any',
      'Listener.later',
      'PlaceOrderHandler.execute',
      'OrderPlacedHandler.handle',
    ],
  },
  'queues with bull 4': {
    needs: 'redis-server',
    module: () => {
      @Module({
        imports: [
          BullModule.forRoot({ redis: { host: '127.0.0.1', port: Number(process.env['SERVER_PORT']) } }),
          BullModule.registerQueue({ name: 'audio' }),
        ],
        controllers: [AudioController],
        providers: [AudioProcessor],
      })
      class QueuesModule {}
      return QueuesModule;
    },
    ask: async (questions) => {
      await questions.http('GET', '/audio/transcode');
      for (let tries = 0; tries < 100; tries += 1) {
        const { body } = await questions.http('GET', '/audio/finished');
        if (body !== '[]') break;
        questions.answers.pop();
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    spans: ['GET /audio/transcode', 'add audio', 'process audio'],
  },
};
