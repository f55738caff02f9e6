import { Controller } from '@nestjs/common';
import {
  ClientKafka,
  ClientsModule,
  Ctx,
  EventPattern,
  type KafkaContext,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { SpanKind } from '@opentelemetry/api';
import { getCurrentTraceId, getTelemetry } from 'nestjs-telemetry';
import { lastValueFrom } from 'rxjs';

import { type Platform, platformName } from '../../e2e/behaviours/platform.js';
import { RunningApp } from '../../e2e/behaviours/running-app.js';
import { eventually } from '../../support/eventually.js';
import { describeWith } from '../backend-processes.js';
import { type Broker, startKafka } from '../broker-servers.js';

const received: { readonly payload: unknown; readonly tenant: string }[] = [];

@Controller()
class OrdersController {
  @EventPattern('orders.shipped')
  shipped(@Payload() payload: unknown, @Ctx() ctx: unknown): void {
    const { headers } = (ctx as KafkaContext).getMessage();
    received.push({ payload, tenant: String(headers?.tenant) });
  }
}

function optionsFor({ host, port }: Broker) {
  const client = { brokers: [`${host}:${port}`], logLevel: 0 };
  return { client, consumer: { groupId: 'batches' }, subscribe: { fromBeginning: true } } as const;
}

/** What Kafka's client of NestJS sends as one. */
export function describeKafkaBatches(platform: Platform): void {
  describeWith('kafka', `batches of Kafka, ${platformName(platform)}`, (binary) => {
    let broker: Broker;
    let app: RunningApp;
    let byHand: ClientKafka;
    beforeAll(async () => {
      broker = await startKafka(binary, ['orders.shipped']);
      const options = optionsFor(broker);
      app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        imports: [ClientsModule.register([{ name: 'ORDERS', transport: Transport.KAFKA, options }])],
        configure: (nest) => {
          nest.connectMicroservice({ transport: Transport.KAFKA, options });
        },
      });
      await app.app.startAllMicroservices();
      byHand = new ClientKafka(options);
    });
    afterAll(async () => {
      await byHand.close();
      await app.stop();
      await broker.stop();
    });

    // Nest 11 cannot be asked for its class in jest, and a client made by hand is met when it sends the first time.
    const clients = platform.nest === 12 ? ['provided', 'made by hand'] : ['provided'];
    it.each(clients)('are one producer span above a consumer span for each message (%s)', async (which) => {
      received.length = 0;
      const client = which === 'provided' ? app.app.get<ClientKafka>('ORDERS') : byHand;
      const messages = [1, 2, 3].map((id) => ({ value: { id }, headers: { tenant: 'acme' } }));
      let traceId = '';
      await getTelemetry('test').trace('caller', () => {
        traceId = getCurrentTraceId()!;
        return lastValueFrom(client.emitBatch('orders.shipped', { messages }), { defaultValue: undefined });
      });
      const trace = await eventually('three messages to be handled', () => {
        const ended = app.spans.inTrace(traceId);
        return ended.filter(({ kind }) => kind === SpanKind.CONSUMER).length === 3 && ended;
      });
      const [sent, ...others] = trace.filter(({ kind }) => kind === SpanKind.PRODUCER);
      expect(others).toEqual([]);
      expect(sent!.name).toBe('publish orders.shipped');
      expect(sent!.attributes['messaging.batch.message_count']).toBe(3);
      for (const span of trace.filter(({ kind }) => kind === SpanKind.CONSUMER)) {
        expect(span.name).toBe('process orders.shipped');
        expect(span.parentSpanContext?.spanId).toBe(sent!.spanContext().spanId);
      }
      expect(received).toEqual([1, 2, 3].map((id) => ({ payload: { id }, tenant: 'acme' })));
      expect(messages.map(({ headers }) => headers)).toEqual(messages.map(() => ({ tenant: 'acme' })));
    });
  });
}
