import { type INestMicroservice, Module, type Type } from '@nestjs/common';
import { NestApplicationContext, NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SpanKind } from '@opentelemetry/api';
import { TelemetryModule, type TelemetryOptions, TelemetryService } from 'nestjs-telemetry';

import { freePort } from '../../../support/free-port.js';
import { SpanCollector } from '../collectors.js';
import { type Platform } from '../platform.js';
import { newCaller, RunningApp } from '../running-app.js';
import { type Answer, type Client, type Protocol, PROTOCOLS } from './websocket-protocols.js';

/** A gateway with a server of its own, which is all that a microservice can have. */
function createGateway(port: number): Type {
  @WebSocketGateway(port, { host: '127.0.0.1' })
  class MoveGateway {
    constructor(private readonly telemetry: TelemetryService) {}

    @SubscribeMessage('move')
    move(): Answer {
      return { event: 'moved', data: { traceId: this.telemetry.getCurrentTraceId() } };
    }
  }
  return MoveGateway;
}

interface Service {
  readonly app: INestMicroservice;
  readonly origin: string;
  readonly spans: SpanCollector;
}

async function startService(protocol: Protocol, options: TelemetryOptions = {}): Promise<Service> {
  const [port, gatewayPort] = [await freePort(), await freePort()];
  const spans = new SpanCollector();
  @Module({
    imports: [TelemetryModule.forRoot({ spanProcessors: [spans], logging: false, ...options })],
    providers: [createGateway(gatewayPort)],
  })
  class ServiceModule {}
  const app = await NestFactory.createMicroservice(ServiceModule, {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
    logger: false,
  });
  app.useWebSocketAdapter(protocol.adapter(app));
  await app.listen();
  return { app, origin: `http://127.0.0.1:${gatewayPort}`, spans };
}

async function move(client: Client): Promise<string> {
  client.send('move');
  return ((await client.answer('moved')) as { traceId: string }).traceId;
}

export function describeWebSocketMicroservices(platform: Platform): void {
  describe.each(PROTOCOLS)('WebSocket gateways of a microservice on $name', (protocol) => {
    it('have each message recorded once, in a trace linked to the request that connected', async () => {
      const { app, origin, spans } = await startService(protocol);
      const caller = newCaller();
      const client = await protocol.connect(origin, { traceparent: caller.traceparent });
      try {
        const traceId = await move(client);
        const span = await spans.named(traceId, 'WS move');
        expect(span.kind).toBe(SpanKind.SERVER);
        expect(span.links.map(({ context }) => context.traceId)).toEqual([caller.traceId]);
        expect(spans.isBelow(await spans.named(traceId, 'MoveGateway.move'), span)).toBe(true);
        expect(spans.inTrace(traceId)).toHaveLength(2);
      } finally {
        client.close();
        await app.close();
      }
    });

    it('work as ever without telemetry', async () => {
      const { app, origin, spans } = await startService(protocol, { enabled: false });
      const client = await protocol.connect(origin);
      try {
        expect(await move(client)).toBeUndefined();
        expect(spans.started).toEqual([]);
      } finally {
        client.close();
        await app.close();
      }
    });

    it('are recorded once in an application with a server too', async () => {
      const [port, gatewayPort] = [await freePort(), await freePort()];
      const running = await RunningApp.start(platform, {
        providers: [createGateway(gatewayPort)],
        configure: (app) => {
          app.useWebSocketAdapter(protocol.adapter(app));
          app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
        },
      });
      await running.app.startAllMicroservices();
      const client = await protocol.connect(`http://127.0.0.1:${gatewayPort}`);
      try {
        const traceId = await move(client);
        await running.spans.named(traceId, 'WS move');
        expect(running.spans.inTrace(traceId).map(({ name }) => name)).toEqual([
          'MoveGateway.move',
          'WS move',
        ]);
      } finally {
        client.close();
        await running.stop();
      }
    });
  });

  it('WebSocket gateways of a microservice leave Nest as it was when it is closed', async () => {
    const select = () => Reflect.get(NestApplicationContext.prototype, 'selectContextModule') as unknown;
    const before = select();
    const { app } = await startService(PROTOCOLS[0]!);
    expect(select()).not.toBe(before);
    await app.close();
    expect(select()).toBe(before);
  });
}
