import { Controller } from '@nestjs/common';
import {
  type ClientProviderOptions,
  type ClientProxy,
  ClientsModule,
  Ctx,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  RpcException,
} from '@nestjs/microservices';
import { context, createContextKey, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { getCurrentTraceId, TelemetryService } from 'nestjs-telemetry';
import { concatMap, firstValueFrom, from, lastValueFrom, type Observable, retry, timer, toArray } from 'rxjs';
import { map, tap } from 'rxjs/operators';

import { eventually } from '../../../support/eventually.js';
import { type Platform, platformName } from '../platform.js';
import { RunningApp } from '../running-app.js';

/** A transport as the behaviours need it: options that lead both sides to the same place. */
export interface TransportUnderTest {
  /** As spans say it. */
  readonly name: string;
  readonly server: MicroserviceOptions;
  readonly client: Omit<ClientProviderOptions, 'name'>;
  /** What the transport writes into `server.address`. */
  readonly address?: string;
  /** Resolves when the transport is ready for the next request, where it is not at once. */
  readonly settled?: () => Promise<unknown>;
  /** Called before the client connects. */
  readonly prepare?: (client: ClientProxy) => void;
}

/** Runs `fn` as somebody without telemetry would: nothing is recorded and nothing is sent along. */
export function fromOutside<T>(fn: () => T): T {
  const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
  return context.with(ROOT_CONTEXT.setValue(suppressed, true), fn);
}

/** Headers of the application's own, for transports that have headers. */
export interface HeadersUnderTest {
  /** What is sent: `data` with the header `tenant: acme`. */
  record(data: unknown): unknown;
  /** The headers in what is sent, as they are now. */
  headersOf(record: unknown): unknown;
  /** The headers that the handler's context has. */
  received(ctx: unknown): Record<string, unknown>;
}

const received: unknown[] = [];
const contexts: unknown[] = [];
const attempts = { count: 0 };

@Controller()
class OrdersController {
  constructor(private readonly telemetry: TelemetryService) {}

  @MessagePattern('orders.find')
  find(@Payload() payload: unknown): unknown {
    this.telemetry.logInfo('order found');
    return { payload, traceId: getCurrentTraceId() ?? null };
  }

  @MessagePattern('orders.list')
  list(): Observable<string> {
    return from(['a', 'b', 'c']).pipe(concatMap((value) => timer(20).pipe(map(() => value))));
  }

  @MessagePattern('orders.refuse')
  refuse(): never {
    throw new RpcException('out of stock');
  }

  @MessagePattern('orders.break')
  break(): never {
    throw new RangeError('a bug');
  }

  @MessagePattern('orders.flaky')
  flaky(): string {
    attempts.count += 1;
    if (attempts.count === 1) throw new RpcException('not yet');
    return 'done';
  }

  @EventPattern('orders.created')
  created(@Payload() payload: unknown, @Ctx() ctx: unknown): void {
    received.push(payload);
    contexts.push(ctx);
  }

  @EventPattern('orders.lost')
  lost(@Payload() payload: unknown): void {
    if (payload !== undefined) throw new RangeError('an event that fails');
  }
}

/** What the handlers under test handle, for brokers that must be told before. */
export const EVENTS = ['orders.created', 'orders.lost'];
export const REQUESTS = ['orders.find', 'orders.list', 'orders.refuse', 'orders.break', 'orders.flaky'];

/** Everything JSON can say, and what telemetry would be tempted to touch. */
const PAYLOADS: readonly (readonly [string, unknown])[] = [
  ['an object', { id: 7, tags: ['a', 'b'], nested: { empty: {}, nothing: null }, text: 'grüße 🚀' }],
  ['a text', 'plain'],
  ['an array', [1, 'two', { three: 3 }]],
  ['names of our own', { traceparent: 'mine', metadata: { mine: true }, headers: { mine: 1 } }],
];

/** The behaviours of messages over one transport, whichever it is. */
export function describeTransport(
  platform: Platform,
  name: string,
  start: () => Promise<TransportUnderTest>,
  headers?: HeadersUnderTest,
): void {
  describe(`messages over ${name}, ${platformName(platform)}`, () => {
    let transport: TransportUnderTest;
    let running: RunningApp;
    let client: ClientProxy;
    let telemetry: TelemetryService;
    beforeAll(async () => {
      received.length = 0;
      attempts.count = 0;
      transport = await start();
      running = await RunningApp.start(platform, {
        controllers: [OrdersController],
        imports: [ClientsModule.register([{ name: 'ORDERS', ...transport.client } as ClientProviderOptions])],
        configure: (app) => {
          app.connectMicroservice(transport.server);
        },
      });
      await running.app.startAllMicroservices();
      client = running.app.get<ClientProxy>('ORDERS');
      telemetry = await running.app.resolve(TelemetryService);
      transport.prepare?.(client);
      await client.connect();
    });
    afterAll(() => running.stop(), 60_000);

    /** Runs `call` below a span and gives what it resolved to and the spans of its trace, all of them ended. */
    async function inTrace<T>(
      spans: number,
      call: () => Promise<T>,
    ): Promise<{ result: unknown; trace: ReadableSpan[] }> {
      let traceId = '';
      const result = await telemetry
        .trace('caller', () => {
          traceId = getCurrentTraceId()!;
          return call();
        })
        .catch((error: unknown) => error);
      const trace = await eventually(`${String(spans)} spans and their caller`, () => {
        const ended = running.spans.inTrace(traceId);
        return ended.length > spans && ended;
      });
      await transport.settled?.();
      return { result, trace };
    }

    const settled = (): Observable<unknown> => from(transport.settled?.() ?? Promise.resolve());

    function spanOf(trace: ReadableSpan[], kind: SpanKind): ReadableSpan {
      const found = trace.filter((span) => span.kind === kind);
      expect(found.map(({ name: found }) => found)).toHaveLength(1);
      return found[0]!;
    }

    function parentOf(span: ReadableSpan): string | undefined {
      return span.parentSpanContext?.spanId;
    }

    it('gives a request a client span, a server span below it, and the handler below that', async () => {
      const { result, trace } = await inTrace(3, () => firstValueFrom(client.send('orders.find', { id: 1 })));
      const [sent, handled] = [spanOf(trace, SpanKind.CLIENT), spanOf(trace, SpanKind.SERVER)];
      const handler = trace.find(({ name }) => name === 'OrdersController.find')!;
      expect([sent.name, handled.name]).toEqual(['orders.find', 'orders.find']);
      expect(parentOf(handled)).toBe(sent.spanContext().spanId);
      expect(parentOf(handler)).toBe(handled.spanContext().spanId);
      expect(handled.attributes).toMatchObject({
        'rpc.system.name': 'nestjs',
        'rpc.method': 'orders.find',
        'nestjs.transport': transport.name,
      });
      expect(sent.attributes).toMatchObject({
        'rpc.system.name': 'nestjs',
        'rpc.method': 'orders.find',
        ...(transport.address !== undefined && { 'server.address': transport.address }),
      });
      expect(sent.status.code).toBe(SpanStatusCode.UNSET);
      const events = trace.flatMap(({ events: told }) => told.map(({ name: event }) => event));
      expect(events.filter((event) => event !== 'log')).toEqual([]);
      expect(result).toMatchObject({ traceId: sent.spanContext().traceId });
      const line = await running.log.withMessage('order found');
      expect(line.trace_id).toBe(sent.spanContext().traceId);
    });

    it.each(PAYLOADS)('hands the handler of a request the payload as it was sent: %s', async (_, payload) => {
      const { result } = await inTrace(3, () => firstValueFrom(client.send('orders.find', payload)));
      expect(result).toMatchObject({ payload });
      expect((result as { payload: unknown }).payload).toEqual(payload);
    });

    it('gives an event a producer span and a consumer span below it', async () => {
      const { trace } = await inTrace(3, () =>
        lastValueFrom(client.emit('orders.created', { id: 2 }), { defaultValue: undefined }),
      );
      const [sent, handled] = [spanOf(trace, SpanKind.PRODUCER), spanOf(trace, SpanKind.CONSUMER)];
      expect([sent.name, handled.name]).toEqual(['publish orders.created', 'process orders.created']);
      expect(parentOf(handled)).toBe(sent.spanContext().spanId);
      expect(handled.attributes).toMatchObject({
        'messaging.system.name': transport.name,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'orders.created',
      });
      expect(sent.attributes).toMatchObject({
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'orders.created',
      });
    });

    it.each(PAYLOADS)('hands the handler of an event the payload as it was sent: %s', async (_, payload) => {
      const before = received.length;
      await inTrace(3, () => lastValueFrom(client.emit('orders.created', payload), { defaultValue: 0 }));
      expect(received.slice(before)).toEqual([payload]);
    });

    if (headers !== undefined) {
      it('leaves the headers of a record as they were, and sends them with its own', async () => {
        const data = { id: 3 };
        const records = [headers.record(data), headers.record(data)];
        const before = received.length;
        for (const record of records)
          await inTrace(3, () => lastValueFrom(client.emit('orders.created', record), { defaultValue: 0 }));
        const [first, second] = contexts.slice(-2).map((ctx) => headers.received(ctx));
        expect(received.slice(before)).toEqual([data, data]);
        expect([first!.tenant, second!.tenant]).toEqual(['acme', 'acme']);
        expect(String(first!.traceparent)).toMatch(/^00-[0-9a-f]{32}-/);
        expect(first!.traceparent).not.toBe(second!.traceparent);
        expect(records.map((record) => headers.headersOf(record))).not.toContainEqual(
          expect.objectContaining({ traceparent: expect.anything() as unknown }),
        );
      });
    }

    it('ends the one span of an answer in several parts with the last of them', async () => {
      const arrivals: number[] = [];
      const { result, trace } = await inTrace(3, () =>
        lastValueFrom(
          client.send<string>('orders.list', {}).pipe(
            tap(() => arrivals.push(running.spans.ended.filter(({ name }) => name === 'orders.list').length)),
            toArray(),
          ),
        ),
      );
      expect(result).toEqual(['a', 'b', 'c']);
      expect(arrivals[0]).toBe(0);
      const handled = spanOf(trace, SpanKind.SERVER);
      expect(handled.duration[1] / 1e6).toBeGreaterThan(40);
      spanOf(trace, SpanKind.CLIENT);
    });

    it.each([
      ['an RpcException', 'orders.refuse', 'RpcException', 'out of stock'],
      ['anything else', 'orders.break', 'RangeError', 'a bug'],
    ])('marks both spans when the handler throws %s', async (_, pattern, type, message) => {
      const { trace } = await inTrace(3, () => firstValueFrom(client.send(pattern, {})));
      const [sent, handled] = [spanOf(trace, SpanKind.CLIENT), spanOf(trace, SpanKind.SERVER)];
      expect(handled.status).toEqual({ code: SpanStatusCode.ERROR, message });
      expect(handled.attributes['error.type']).toBe(type);
      expect(sent.status.code).toBe(SpanStatusCode.ERROR);
      expect(sent.attributes['error.type']).toBe('RpcException');
      const exceptions = trace
        .filter(({ kind }) => kind !== SpanKind.CLIENT && kind !== SpanKind.INTERNAL)
        .concat(trace.filter(({ name }) => name.startsWith('OrdersController.')))
        .flatMap(({ events }) => events.filter(({ name }) => name === 'exception'));
      expect(exceptions.map(({ attributes }) => attributes?.['exception.type'])).toEqual([type]);
    });

    it('marks the span of an event whose handler throws', async () => {
      const { trace } = await inTrace(3, () =>
        lastValueFrom(client.emit('orders.lost', {}), { defaultValue: undefined }),
      );
      const handled = spanOf(trace, SpanKind.CONSUMER);
      expect(handled.status).toEqual({ code: SpanStatusCode.ERROR, message: 'an event that fails' });
      expect(spanOf(trace, SpanKind.PRODUCER).status.code).toBe(SpanStatusCode.UNSET);
    });

    it('records a retry as a second request', async () => {
      const { result, trace } = await inTrace(6, () =>
        firstValueFrom(client.send('orders.flaky', {}).pipe(retry({ count: 1, delay: settled }))),
      );
      expect(result).toBe('done');
      const sent = trace.filter(({ kind }) => kind === SpanKind.CLIENT);
      expect(sent.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET]);
      expect(trace.filter(({ kind }) => kind === SpanKind.SERVER)).toHaveLength(2);
    });

    it('delivers an answer in the trace of the request, not in that of the call that opened the connection', async () => {
      const seen: (string | undefined)[] = [];
      const { trace } = await inTrace(3, () =>
        firstValueFrom(
          client.send('orders.find', {}).pipe(
            tap(() => {
              seen.push(getCurrentTraceId());
            }),
          ),
        ),
      );
      expect(seen).toEqual([trace[0]!.spanContext().traceId]);
    });

    it('understands a sender without telemetry, whose message begins a trace', async () => {
      const before = running.spans.ended.length;
      const answer = await fromOutside(() =>
        firstValueFrom(client.send<{ payload: unknown; traceId: string }>('orders.find', { id: 'outside' })),
      );
      const handled = await running.spans.serverAfter(before);
      expect(answer.payload).toEqual({ id: 'outside' });
      expect(answer.traceId).toBe(handled.spanContext().traceId);
      expect(handled.parentSpanContext).toBeUndefined();
    });

    it('measures both sides by pattern', async () => {
      const page = await running.scrape();
      const labels = `nestjs_transport="${transport.name}"`;
      for (const side of ['server', 'client']) {
        const count = new RegExp(
          `^rpc_${side}_call_duration_seconds_count\\{[^}]*orders\\.find[^}]*\\} (\\d+)`,
          'm',
        );
        expect(Number(count.exec(page)?.[1])).toBeGreaterThan(3);
        const failed = new RegExp(
          `^rpc_${side}_call_duration_seconds_count\\{[^}]*RpcException[^}]*\\} \\d+`,
          'm',
        );
        expect(page).toMatch(failed);
      }
      expect(page).toContain(labels);
      expect(page).toMatch(/^messaging_process_duration_seconds_count\{[^}]*orders\.created[^}]*\} \d+/m);
      expect(page).toMatch(
        /^messaging_client_operation_duration_seconds_count\{[^}]*orders\.created[^}]*\} \d+/m,
      );
    });
  });
}
