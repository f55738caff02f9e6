import { join } from 'node:path';

import { Controller, Get, Inject, Module } from '@nestjs/common';
import {
  type ClientGrpc,
  type ClientProxy,
  ClientsModule,
  GrpcMethod,
  MessagePattern,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, type WsResponse } from '@nestjs/websockets';
import { from, lastValueFrom, map, type Observable, toArray } from 'rxjs';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

import { type Sample } from './sample';

interface Order {
  readonly id: number;
  readonly text?: string;
}
interface Orders {
  find(order: Order): Observable<Order>;
  list(order: Order): Observable<Order>;
}

// The ports of the microservices: each sample has a process of its own, so they may come from its id.
const PORT = 20_000 + (process.pid % 20_000);
const grpc = {
  transport: Transport.GRPC as const,
  options: { package: 'shop', protoPath: join(__dirname, 'files/shop.proto'), url: `127.0.0.1:${PORT}` },
};
const tcp = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port: PORT + 1 } };

@Controller()
class MessagesController {
  constructor(
    @Inject('TCP') private readonly tcp: ClientProxy,
    @Inject('GRPC') private readonly grpc: ClientGrpc,
  ) {}
  @MessagePattern({ cmd: 'sum' }) sum(numbers: number[]): number {
    if (numbers.length === 0) throw new RpcException('nothing to add');
    return numbers.reduce((a, b) => a + b, 0);
  }
  @GrpcMethod('Orders', 'Find') find({ id }: Order): Order {
    if (id === 404) throw new RpcException({ code: 5, message: 'no such order' });
    return { id, text: 'found' };
  }
  @GrpcMethod('Orders', 'List') list({ id }: Order): Observable<Order> {
    return from(Array.from({ length: id }, (_, index) => ({ id: index })));
  }
  @Get('sum') askSum(): Promise<unknown> {
    return lastValueFrom(this.tcp.send({ cmd: 'sum' }, [1, 2, 3]));
  }
  @Get('nothing') askNothing(): Promise<unknown> {
    return lastValueFrom(this.tcp.send({ cmd: 'sum' }, [])).catch((error: unknown) => ({ error }));
  }
  @Get('orders') async askOrders(): Promise<unknown> {
    const orders = this.grpc.getService<Orders>('Orders');
    const missing = await lastValueFrom(orders.find({ id: 404 })).catch(
      ({ code, details }: Record<string, unknown>) => ({
        code,
        details,
      }),
    );
    return [
      await lastValueFrom(orders.find({ id: 1 })),
      missing,
      await lastValueFrom(orders.list({ id: 3 }).pipe(toArray())),
    ];
  }
}

@Module({
  imports: [
    ClientsModule.register([
      { name: 'TCP', ...tcp },
      { name: 'GRPC', ...grpc },
    ]),
  ],
  controllers: [MessagesController],
})
class MessagesModule {}

@WebSocketGateway()
class EventsGateway {
  @SubscribeMessage('events') events(): Observable<WsResponse<number>> {
    return from([1, 2]).pipe(map((data) => ({ event: 'events', data })));
  }
  @SubscribeMessage('identity') identity(_client: unknown, data: unknown): WsResponse<string> {
    return { event: 'identity', data: typeof data };
  }
}

@Module({ providers: [EventsGateway] })
class GatewayModule {}

export const messagesSamples: Record<string, Sample> = {
  'microservices over TCP and gRPC': {
    module: () => MessagesModule,
    configure: async (app) => {
      app.connectMicroservice(tcp);
      app.connectMicroservice(grpc);
      await app.startAllMicroservices();
    },
    ask: async (questions) => {
      await questions.http('GET', '/sum');
      await questions.http('GET', '/nothing');
      await questions.http('GET', '/orders');
    },
    spans: ['GET /sum', 'MessagesController.sum', 'shop.Orders/Find', 'shop.Orders/List'],
  },
  'gateway on ws': {
    module: () => GatewayModule,
    configure: (app) => {
      app.useWebSocketAdapter(new WsAdapter(app));
    },
    ask: async (questions) => {
      const socket = new WebSocket(`ws://127.0.0.1:${questions.port}`);
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      const done = new Promise<void>((resolve) => {
        socket.on('message', (data: Buffer) => {
          questions.note(data.toString());
          if (questions.answers.length === 3) resolve();
        });
      });
      socket.send(JSON.stringify({ event: 'events' }));
      socket.send(JSON.stringify({ event: 'identity', data: 1 }));
      await done;
      socket.close();
    },
    spans: ['EventsGateway.events', 'EventsGateway.identity'],
  },
  'gateway on socket.io': {
    module: () => GatewayModule,
    ask: async (questions) => {
      const socket = io(`http://127.0.0.1:${questions.port}`, { transports: ['websocket'] });
      const done = new Promise<void>((resolve) => {
        socket.onAny((event: string, data: unknown) => {
          questions.note({ event, data });
          if (questions.answers.length === 3) resolve();
        });
      });
      socket.emit('events');
      socket.emit('identity', 'text');
      await done;
      socket.close();
    },
    spans: ['EventsGateway.events', 'EventsGateway.identity'],
  },
};
