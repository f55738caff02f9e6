import { Controller } from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  type RmqOptions,
  Transport,
} from '@nestjs/microservices';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { getCurrentTraceId, getTelemetry } from 'nestjs-telemetry';
import { firstValueFrom, lastValueFrom, type Observable } from 'rxjs';

import { type Platform, platformName } from '../../e2e/behaviours/platform.js';
import { RunningApp } from '../../e2e/behaviours/running-app.js';
import { eventually } from '../../support/eventually.js';
import { describeWith } from '../backend-processes.js';
import { type Broker, startRabbitmq } from '../broker-servers.js';

@Controller()
class StockController {
  @EventPattern('stock.*.changed')
  changed(@Payload() amount: number): void {
    if (amount < 0) throw new RangeError('less than nothing');
  }

  @EventPattern('stock.#')
  anything(@Payload() amount: number): number {
    return amount;
  }

  @MessagePattern('price.of.*')
  price(@Payload() id: number): { id: number; traceId: string | undefined } {
    return { id, traceId: getCurrentTraceId() };
  }
}

@Controller()
class NewsController {
  @EventPattern('news')
  read(@Payload() news: string): string {
    return news;
  }
}

const QUEUE = { durable: false, autoDelete: true };

/** What RabbitMQ does between a client and its handlers where there is more than a queue. */
export function describeRabbitmqExchanges(platform: Platform): void {
  describeWith('rabbitmq', `exchanges of RabbitMQ, ${platformName(platform)}`, (binary) => {
    let broker: Broker;
    beforeAll(async () => {
      broker = await startRabbitmq(binary);
    });
    afterAll(() => broker.stop(), 30_000);

    const rabbitmq = (queue: string, options: Partial<NonNullable<RmqOptions['options']>>) =>
      ({
        transport: Transport.RMQ,
        options: {
          urls: [`amqp://guest:guest@${broker.host}:${broker.port}`] as string[],
          queue,
          queueOptions: QUEUE,
          ...options,
        },
      }) as const;

    /** Calls below a span, and gives what it resolved to and its trace, once there are `count` spans beside the caller's. */
    const inTrace = async (app: RunningApp, count: number, call: () => Promise<unknown>) => {
      let traceId = '';
      const result = await getTelemetry('test').trace('caller', () => {
        traceId = getCurrentTraceId()!;
        return call();
      });
      const trace = await eventually(`${count} spans and their caller`, () => {
        const ended = app.spans.inTrace(traceId);
        return ended.length > count && ended;
      });
      return { result, traceId, trace };
    };
    const done = (source: Observable<unknown>): Promise<unknown> =>
      lastValueFrom(source, { defaultValue: undefined });
    const ofKind = (trace: readonly ReadableSpan[], kind: SpanKind) =>
      trace.filter((span) => span.kind === kind);

    describe('with wildcards', () => {
      const TOPIC = { wildcards: true, exchange: 'stock' };
      let app: RunningApp;
      let client: ReturnType<typeof ClientProxyFactory.create>;
      beforeAll(async () => {
        app = await RunningApp.start(platform, {
          controllers: [StockController],
          configure: (nest) => nest.connectMicroservice(rabbitmq('stock', TOPIC)),
        });
        await app.app.startAllMicroservices();
        client = ClientProxyFactory.create(rabbitmq('stock', TOPIC));
        await client.connect();
      });
      afterAll(async () => {
        await client.close();
        await app.stop();
      });

      it('names the consumer after the pattern of its handler, below the producer', async () => {
        const { trace } = await inTrace(app, 3, () => done(client.emit('stock.7.changed', 3)));
        const [sent] = ofKind(trace, SpanKind.PRODUCER);
        const [handled, ...others] = ofKind(trace, SpanKind.CONSUMER);
        expect(others).toEqual([]);
        expect([sent!.name, handled!.name]).toEqual(['publish stock.7.changed', 'process stock.*.changed']);
        expect(handled!.parentSpanContext?.spanId).toBe(sent!.spanContext().spanId);
        expect(handled!.attributes).toMatchObject({
          'messaging.system.name': 'rabbitmq',
          'messaging.destination.name': 'stock.*.changed',
        });
        expect(trace.map(({ name }) => name)).toContain('StockController.changed');
      });

      it('follows a pattern of any length, and marks what a handler throws', async () => {
        const { trace } = await inTrace(app, 3, () => done(client.emit('stock.7.all.gone', 3)));
        expect(ofKind(trace, SpanKind.CONSUMER).map(({ name }) => name)).toEqual(['process stock.#']);
        const failing = await inTrace(app, 3, () => done(client.emit('stock.8.changed', -1)));
        const [failed] = ofKind(failing.trace, SpanKind.CONSUMER);
        expect(failed!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'less than nothing' });
      });

      it('answers a request in the trace of the caller', async () => {
        const { result, traceId, trace } = await inTrace(app, 3, () =>
          firstValueFrom(client.send('price.of.7', 7)),
        );
        expect(result).toEqual({ id: 7, traceId });
        expect(ofKind(trace, SpanKind.CLIENT).map(({ name }) => name)).toEqual(['price.of.7']);
        expect(ofKind(trace, SpanKind.SERVER).map(({ name }) => name)).toEqual(['price.of.*']);
      });

      it('measures by the pattern of the handler', async () => {
        const page = await app.scrape();
        expect(page).toMatch(
          /^messaging_process_duration_seconds_count\{[^}]*stock\.\*\.changed[^}]*\} \d+/m,
        );
        expect(page).toMatch(/^rpc_server_call_duration_seconds_count\{[^}]*price\.of\.\*[^}]*\} \d+/m);
      });
    });

    describe('with a fanout exchange', () => {
      const FANOUT = { exchange: 'news', exchangeType: 'fanout' } as const;

      it('gives each service that listens a consumer span below the one producer', async () => {
        const app = await RunningApp.start(platform, {
          controllers: [NewsController],
          configure: (nest) => {
            for (const queue of ['readers', 'archive']) nest.connectMicroservice(rabbitmq(queue, FANOUT));
          },
        });
        await app.app.startAllMicroservices();
        const client = ClientProxyFactory.create(rabbitmq('', FANOUT));
        try {
          await client.connect();
          const { trace } = await inTrace(app, 5, () => done(client.emit('news', 'extra')));
          const [sent, ...others] = ofKind(trace, SpanKind.PRODUCER);
          const handled = ofKind(trace, SpanKind.CONSUMER);
          expect(others).toEqual([]);
          expect(handled.map(({ name }) => name)).toEqual(['process news', 'process news']);
          for (const { parentSpanContext } of handled) {
            expect(parentSpanContext?.spanId).toBe(sent!.spanContext().spanId);
          }
        } finally {
          await client.close();
          await app.stop();
        }
      });
    });
  });
}
