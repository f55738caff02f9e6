import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Metadata, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import {
  type ClientGrpc,
  ClientsModule,
  GrpcMethod,
  GrpcStreamCall,
  GrpcStreamMethod,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { getCurrentTraceId, TelemetryService } from 'nestjs-telemetry';
import { firstValueFrom, from, interval, lastValueFrom, type Observable, of, toArray } from 'rxjs';
import { map, reduce, take, tap } from 'rxjs/operators';

import { eventually } from '../../../support/eventually.js';
import { freePort } from '../../../support/free-port.js';
import { type Platform } from '../platform.js';
import { RunningApp } from '../running-app.js';
import { fromOutside } from './microservices-transport.behaviours.js';

const PROTO = `syntax = "proto3";
package shop;
service Orders {
  rpc Find (Order) returns (Order);
  rpc List (Order) returns (stream Order);
  rpc Sum (stream Order) returns (Order);
  rpc Chat (stream Order) returns (stream Order);
  rpc Raw (stream Order) returns (stream Order);
}
message Order { int32 id = 1; string text = 2; }
`;

interface Order {
  readonly id: number;
  readonly text?: string;
}

interface Orders {
  find(order: Order, metadata?: Metadata): Observable<Order>;
  list(order: Order): Observable<Order>;
  sum(orders: Observable<Order>): Observable<Order>;
  chat(orders: Observable<Order>): Observable<Order>;
  raw(orders: Observable<Order>): Observable<Order>;
}

const seen: Record<string, unknown>[] = [];

/** What protobuf cannot write: reading it throws. */
function unserializable(id: number): Order {
  return {
    id,
    get text(): string {
      throw new TypeError('cannot be read');
    },
  };
}

@Controller()
class OrdersController {
  @GrpcMethod('Orders', 'Find')
  find(order: Order, metadata: Metadata): Order {
    seen.push({ order, headers: metadata.getMap() });
    if (order.id === 404) throw new RpcException({ code: status.NOT_FOUND, message: 'no such order' });
    if (order.id === 500) throw new RangeError('a bug');
    if (order.id === 13) return unserializable(order.id);
    return { id: order.id, text: getCurrentTraceId() ?? '' };
  }

  @GrpcMethod('Orders', 'List')
  list(order: Order): Observable<Order> {
    if (order.id === 13) return of({ id: 1 }, unserializable(order.id));
    return interval(15).pipe(
      take(order.id),
      map((id) => ({ id })),
    );
  }

  @GrpcStreamMethod('Orders', 'Sum')
  sum(orders: Observable<Order>): Observable<Order> {
    return orders.pipe(
      reduce((sum, { id }) => sum + id, 0),
      map((id) => (id === 13 ? unserializable(id) : { id })),
    );
  }

  @GrpcStreamMethod('Orders', 'Chat')
  chat(orders: Observable<Order>): Observable<Order> {
    return orders.pipe(map(({ id }) => (id === 13 ? unserializable(id) : { id: id * 2 })));
  }

  @GrpcStreamCall('Orders', 'Raw')
  raw(call: ServerDuplexStream<Order, Order>): void {
    call.on('data', ({ id }: Order) => call.write(id === 13 ? unserializable(id) : { id: id + 1 }));
    call.on('end', () => {
      setTimeout(() => {
        call.end();
      }, 30);
    });
  }
}

export function describeGrpc(platform: Platform): void {
  describe('calls over gRPC', () => {
    let folder: string;
    let running: RunningApp;
    let client: ClientGrpc;
    let orders: Orders;
    let telemetry: TelemetryService;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-proto-'));
      const protoPath = join(folder, 'shop.proto');
      writeFileSync(protoPath, PROTO);
      const options = { package: 'shop', protoPath, url: `127.0.0.1:${await freePort()}` };
      running = await RunningApp.start(platform, {
        controllers: [OrdersController],
        imports: [ClientsModule.register([{ name: 'SHOP', transport: Transport.GRPC, options }])],
        configure: (app) => {
          app.connectMicroservice({ transport: Transport.GRPC, options });
        },
      });
      await running.app.startAllMicroservices();
      client = running.app.get<ClientGrpc>('SHOP');
      orders = client.getService<Orders>('Orders');
      telemetry = await running.app.resolve(TelemetryService);
    });
    afterAll(async () => {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Runs `call` below a span; gives what it resolved to or failed with, and the two spans of the call. */
    async function inTrace<T>(
      call: () => Promise<T>,
    ): Promise<{ result: unknown; sent: ReadableSpan; handled: ReadableSpan; trace: ReadableSpan[] }> {
      let traceId = '';
      const result = await telemetry
        .trace('caller', () => {
          traceId = getCurrentTraceId()!;
          return call();
        })
        .catch((error: unknown) => error);
      const find = (kind: SpanKind): ReadableSpan[] =>
        running.spans.inTrace(traceId).filter((span) => span.kind === kind);
      await eventually(
        'both spans of the call',
        () => find(SpanKind.CLIENT).length > 0 && find(SpanKind.SERVER).length > 0,
      );
      const [sent, handled] = [find(SpanKind.CLIENT), find(SpanKind.SERVER)];
      expect([sent.length, handled.length]).toEqual([1, 1]);
      return { result, sent: sent[0]!, handled: handled[0]!, trace: running.spans.inTrace(traceId) };
    }

    it('get a client span, a server span below it, and the handler below that', async () => {
      const { result, sent, handled, trace } = await inTrace(() => firstValueFrom(orders.find({ id: 1 })));
      const handler = trace.find(({ name }) => name === 'OrdersController.find');
      expect([sent.name, handled.name]).toEqual(['shop.Orders/Find', 'shop.Orders/Find']);
      expect(handled.parentSpanContext?.spanId).toBe(sent.spanContext().spanId);
      expect(handler?.parentSpanContext?.spanId).toBe(handled.spanContext().spanId);
      expect(result).toEqual({ id: 1, text: sent.spanContext().traceId });
      for (const span of [sent, handled]) {
        expect(span.attributes).toMatchObject({
          'rpc.system.name': 'grpc',
          'rpc.method': 'shop.Orders/Find',
          'rpc.status_code': 'OK',
        });
        expect(span.status.code).toBe(SpanStatusCode.UNSET);
      }
      expect(sent.attributes).toMatchObject({ 'server.address': '127.0.0.1' });
    });

    it('leave message and metadata of the application as they were', async () => {
      const metadata = new Metadata();
      metadata.set('tenant', 'acme');
      const message = { id: 7, text: 'grüße' };
      await inTrace(() => firstValueFrom(orders.find(message, metadata)));
      await inTrace(() => firstValueFrom(orders.find(message, metadata)));
      const [first, second] = seen.slice(-2) as { order: Order; headers: Record<string, string> }[];
      expect(metadata.getMap()).toEqual({ tenant: 'acme' });
      expect([first!.order, second!.order]).toEqual([message, message]);
      expect(second!.headers).toMatchObject({ tenant: 'acme' });
      expect(second!.headers.traceparent).toMatch(/^00-/);
      expect(second!.headers.traceparent).not.toBe(first!.headers.traceparent);
    });

    it.each([
      ['many answers', () => lastValueFrom(orders.list({ id: 3 }).pipe(toArray())), 3],
      ['many questions', () => lastValueFrom(orders.sum(from([{ id: 1 }, { id: 2 }])).pipe(toArray())), 1],
      ['both', () => lastValueFrom(orders.chat(from([{ id: 1 }, { id: 2 }])).pipe(toArray())), 2],
      ['the call itself', () => lastValueFrom(orders.raw(from([{ id: 1 }, { id: 2 }])).pipe(toArray())), 2],
    ] as const)('are one pair of spans, to their end, with %s', async (_, call, answers) => {
      const { result, sent, handled } = await inTrace<Order[]>(call);
      expect(result).toHaveLength(answers);
      expect(handled.parentSpanContext?.spanId).toBe(sent.spanContext().spanId);
      expect([sent, handled].map(({ attributes }) => attributes['rpc.status_code'])).toEqual(['OK', 'OK']);
    });

    it('last as long as the stream does', async () => {
      const { handled } = await inTrace(() => lastValueFrom(orders.list({ id: 4 })));
      const { handled: raw } = await inTrace(() => lastValueFrom(orders.raw(of({ id: 1 }))));
      expect(handled.duration[0] * 1e3 + handled.duration[1] / 1e6).toBeGreaterThan(45);
      expect(raw.duration[0] * 1e3 + raw.duration[1] / 1e6).toBeGreaterThan(25);
    });

    it('have their status, and leave mistakes of the caller out of the errors of the server', async () => {
      const { sent, handled } = await inTrace(() => firstValueFrom(orders.find({ id: 404 })));
      expect(handled.attributes['rpc.status_code']).toBe('NOT_FOUND');
      expect(handled.status.code).toBe(SpanStatusCode.UNSET);
      expect(handled.attributes).not.toHaveProperty('error.type');
      expect(sent.attributes).toMatchObject({ 'rpc.status_code': 'NOT_FOUND', 'error.type': 'NOT_FOUND' });
      expect(sent.status.code).toBe(SpanStatusCode.ERROR);
    });

    it('are errors of the server when it failed', async () => {
      const { sent, handled } = await inTrace(() => firstValueFrom(orders.find({ id: 500 })));
      expect(handled.attributes).toMatchObject({ 'rpc.status_code': 'UNKNOWN', 'error.type': 'UNKNOWN' });
      expect(handled.status).toEqual({ code: SpanStatusCode.ERROR, message: 'a bug' });
      expect(sent.status.code).toBe(SpanStatusCode.ERROR);
    });

    it.each([
      ['one answer', () => firstValueFrom(orders.find({ id: 13 }))],
      ['many answers', () => lastValueFrom(orders.list({ id: 13 }))],
      ['many questions', () => lastValueFrom(orders.sum(of({ id: 13 })))],
      ['both', () => lastValueFrom(orders.chat(of({ id: 13 })))],
      ['the call itself', () => lastValueFrom(orders.raw(of({ id: 13 })))],
    ] as const)('say INTERNAL for %s that cannot be serialised', async (_, call) => {
      const { result, sent, handled } = await inTrace<Order>(call);
      expect(result).toMatchObject({ code: status.INTERNAL });
      for (const span of [sent, handled]) {
        expect(span.attributes).toMatchObject({ 'rpc.status_code': 'INTERNAL', 'error.type': 'INTERNAL' });
        expect(span.status.code).toBe(SpanStatusCode.ERROR);
      }
      expect(handled.status.message).toBe('Error serializing response');
    });

    it('are cancelled, not failed, when the caller leaves', async () => {
      const { sent, handled } = await inTrace(() => firstValueFrom(orders.list({ id: 1_000 })));
      expect([sent, handled].map(({ attributes }) => attributes['rpc.status_code'])).toEqual([
        'CANCELLED',
        'CANCELLED',
      ]);
      expect([sent, handled].map(({ status: { code } }) => code)).toEqual([
        SpanStatusCode.UNSET,
        SpanStatusCode.UNSET,
      ]);
    });

    it('deliver their answers in the trace of the caller', async () => {
      const traces: (string | undefined)[] = [];
      const note = tap(() => traces.push(getCurrentTraceId()));
      const { sent: one } = await inTrace(() => firstValueFrom(orders.find({ id: 1 }).pipe(note)));
      const { sent: many } = await inTrace(() => lastValueFrom(orders.list({ id: 2 }).pipe(note)));
      const [first, second] = [one.spanContext().traceId, many.spanContext().traceId];
      expect(traces).toEqual([first, second, second]);
    });

    it('begin a trace when the caller has no telemetry', async () => {
      const before = running.spans.ended.length;
      const answer = await fromOutside(() => firstValueFrom(orders.find({ id: 3 })));
      const handled = await running.spans.serverAfter(before);
      expect(answer.id).toBe(3);
      expect(handled.parentSpanContext).toBeUndefined();
      const { headers } = seen.at(-1) as { headers: Record<string, string> };
      expect(headers).not.toHaveProperty('traceparent');
    });

    it('are recorded on the raw client of a service too', async () => {
      const raw = client.getClientByServiceName<{
        Find(order: Order, callback: (error: unknown, order: Order) => void): void;
      }>('Orders');
      const { result } = await inTrace(
        () =>
          new Promise((resolve) => {
            raw.Find({ id: 5 }, (_error, order) => {
              resolve(order);
            });
          }),
      );
      expect(result).toMatchObject({ id: 5 });
    });

    it('are measured by method and status', async () => {
      const page = await running.scrape();
      for (const side of ['server', 'client']) {
        const series = new RegExp(
          `^rpc_${side}_call_duration_seconds_count\\{[^}]*rpc_method="shop.Orders/Find"[^}]*rpc_status_code="NOT_FOUND"[^}]*\\} 1$`,
          'm',
        );
        expect(page).toMatch(series);
      }
    });
  });
}
