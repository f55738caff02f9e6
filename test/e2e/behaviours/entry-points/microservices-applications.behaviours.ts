import { once } from 'node:events';
import { createServer } from 'node:net';

import {
  type CanActivate,
  Controller,
  type INestMicroservice,
  Injectable,
  Module,
  ParseIntPipe,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Client,
  type ClientProxy,
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  Annotate,
  getCurrentTraceId,
  getTelemetry,
  TelemetryModule,
  type TelemetryOptions,
} from 'nestjs-telemetry';
import { firstValueFrom, NEVER, type Observable, timeout } from 'rxjs';

import { eventually } from '../../../support/eventually.js';
import { freePort } from '../../../support/free-port.js';
import { SpanCollector, WrittenLines } from '../collectors.js';
import { type Platform } from '../platform.js';
import { RawConnection } from '../raw-connection.js';
import { RunningApp } from '../running-app.js';

const handled: string[] = [];

@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Controller()
class WorkController {
  @MessagePattern({ role: 'work', cmd: 'double' })
  double(@Annotate('work.value') @Payload() value: number): number {
    return value * 2;
  }

  @MessagePattern('_OTHER')
  other(): string {
    return 'other';
  }

  @MessagePattern('work.number')
  number(@Payload(ParseIntPipe) value: number): number {
    return value;
  }

  @UseGuards(ClosedGuard)
  @MessagePattern('work.closed')
  closed(): string {
    return 'never';
  }

  @MessagePattern('work.never')
  never(): Observable<never> {
    return NEVER;
  }

  @EventPattern('work.done')
  first(@Payload() id: number): void {
    handled.push(`first ${id}`);
  }
}

@Controller()
class OtherController {
  @EventPattern('work.done')
  second(@Payload() id: number): void {
    handled.push(`second ${id}`);
  }
}

@Controller()
class ClientController {
  @Client({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 1 } })
  readonly client!: ClientProxy;
}

const CONTROLLERS = [WorkController, OtherController];

interface Standalone {
  readonly service: INestMicroservice;
  readonly port: number;
  readonly spans: SpanCollector;
  readonly log: WrittenLines;
  readonly client: ClientProxy;
  stop(): Promise<void>;
}

function tcpClient(port: number): ClientProxy {
  return ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
}

async function startStandalone(options: TelemetryOptions | undefined): Promise<Standalone> {
  const [spans, log] = [new SpanCollector(), new WrittenLines()];
  const telemetry =
    options === undefined
      ? []
      : [
          TelemetryModule.forRoot({
            serviceName: 'standalone',
            spanProcessors: [spans],
            logging: { format: 'json', destination: log.destination },
            ...options,
          }),
        ];
  @Module({ imports: telemetry, controllers: CONTROLLERS })
  class ServiceModule {}
  const port = await freePort();
  const service = await NestFactory.createMicroservice(ServiceModule, {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
    ...(options === undefined ? { logger: false } : { bufferLogs: true }),
  });
  await service.listen();
  const client = tcpClient(port);
  return {
    service,
    port,
    spans,
    log,
    client,
    stop: async () => {
      client.close();
      await service.close();
    },
  };
}

/** Asks below a span; gives the answer or what it failed with, and the spans of that trace once there are `count`. */
async function ask(
  spans: SpanCollector,
  count: number,
  call: () => Observable<unknown>,
): Promise<{ result: unknown; trace: ReadableSpan[] }> {
  let traceId = '';
  const result = await getTelemetry('test')
    .trace('caller', () => {
      traceId = getCurrentTraceId()!;
      return firstValueFrom(call(), { defaultValue: undefined });
    })
    .catch((error: unknown) => error);
  const trace = await eventually(`${count} spans`, () => {
    const ended = spans.inTrace(traceId);
    return ended.length >= count && ended;
  });
  return { result, trace };
}

function ofKind(trace: ReadableSpan[], kind: SpanKind): ReadableSpan {
  const found = trace.filter((span) => span.kind === kind);
  expect(found).toHaveLength(1);
  return found[0]!;
}

export function describeMicroserviceApplications(platform: Platform): void {
  describe('a microservice without HTTP', () => {
    let standalone: Standalone;
    beforeAll(async () => {
      standalone = await startStandalone({});
    });
    afterAll(() => standalone.stop());

    it('records its messages and the clients made by hand', async () => {
      const { spans, client } = standalone;
      const { result, trace } = await ask(spans, 4, () => client.send({ cmd: 'double', role: 'work' }, 21));
      expect(result).toBe(42);
      const [sent, server] = [ofKind(trace, SpanKind.CLIENT), ofKind(trace, SpanKind.SERVER)];
      expect(server.parentSpanContext?.spanId).toBe(sent.spanContext().spanId);
    });

    it('puts arguments with @Annotate() on the span of the message', async () => {
      const { spans, client } = standalone;
      const { trace } = await ask(spans, 4, () => client.send({ cmd: 'double', role: 'work' }, 21));
      const annotated = trace.filter(({ attributes }) => attributes['work.value'] === 21);
      expect(annotated.map(({ kind }) => kind)).toEqual([SpanKind.SERVER]);
    });

    it('names an object pattern the same in any order of its keys', async () => {
      const { spans, client } = standalone;
      const { trace } = await ask(spans, 4, () => client.send({ role: 'work', cmd: 'double' }, 1));
      const names = trace.filter(({ kind }) => kind !== SpanKind.INTERNAL).map(({ name }) => name);
      expect(names).toEqual(['{"cmd":"double","role":"work"}', '{"cmd":"double","role":"work"}']);
    });

    it.each([
      ['a guard refuses', 'work.closed', {}, 'Forbidden resource'],
      ['a pipe refuses', 'work.number', 'no number', undefined],
    ])('tells what was thrown on the server span when %s', async (_, pattern, data, message) => {
      const { spans, client } = standalone;
      const { trace } = await ask(spans, 3, () => client.send(pattern, data));
      const server = ofKind(trace, SpanKind.SERVER);
      const exceptions = server.events.filter(({ name }) => name === 'exception');
      expect(exceptions).toHaveLength(1);
      expect(exceptions[0]!.attributes?.['exception.stacktrace']).toContain('at ');
      if (message !== undefined) expect(server.status).toEqual({ code: SpanStatusCode.ERROR, message });
    });

    it('gives a message without a handler a span that is marked as such, named by nothing the sender wrote', async () => {
      const { spans, client } = standalone;
      const { result, trace } = await ask(spans, 3, () => client.send('work.unknown', {}));
      const server = ofKind(trace, SpanKind.SERVER);
      expect(result).toMatch(/no matching message handler/);
      expect(server.name).toBe('nestjs');
      expect(server.attributes).toMatchObject({
        'rpc.method': '_OTHER',
        'rpc.method_original': 'work.unknown',
        'error.type': 'NoHandler',
      });
    });

    it('names the spans of a handler of the pattern `_OTHER` after it', async () => {
      const { spans, client } = standalone;
      const { trace } = await ask(spans, 4, () => client.send('_OTHER', {}));
      const names = trace.filter(({ kind }) => kind !== SpanKind.INTERNAL).map(({ name }) => name);
      expect(names).toEqual(['_OTHER', '_OTHER']);
    });

    it('gives an event with several handlers one span, and calls them all', async () => {
      const { spans, client } = standalone;
      handled.length = 0;
      const { trace } = await ask(spans, 5, () => client.emit('work.done', 1));
      const consumer = ofKind(trace, SpanKind.CONSUMER);
      const handlers = trace.filter(({ name }) => name.includes('Controller.'));
      expect([...handled].sort()).toEqual(['first 1', 'second 1']);
      expect(handlers.map((span) => span.parentSpanContext?.spanId)).toEqual([
        consumer.spanContext().spanId,
        consumer.spanContext().spanId,
      ]);
    });

    it('ends the span of a client that gives up waiting, without an error of its own', async () => {
      const { spans, client } = standalone;
      const { trace } = await ask(spans, 2, () => client.send('work.never', {}).pipe(timeout(60)));
      const sent = ofKind(trace, SpanKind.CLIENT);
      expect(sent.events.map(({ name }) => name)).toEqual(['cancelled']);
      expect(sent.status.code).toBe(SpanStatusCode.UNSET);
    });

    it('puts nothing into a packet but metadata beside pattern and data', async () => {
      const bytes: Buffer[] = [];
      const server = createServer((socket) => socket.on('data', (chunk) => bytes.push(chunk)));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = tcpClient((server.address() as { port: number }).port);
      try {
        await ask(standalone.spans, 2, () => client.emit('foreign', { to: 'ada', metadata: 'mine' }));
        const packet = await eventually('the packet', () => {
          const text = Buffer.concat(bytes).toString('utf8');
          return text !== '' && (JSON.parse(text.slice(text.indexOf('#') + 1)) as Record<string, unknown>);
        });
        const { metadata, ...rest } = packet;
        expect(rest).toEqual({ pattern: 'foreign', data: { to: 'ada', metadata: 'mine' } });
        expect(Object.keys(metadata as object)).toEqual(['traceparent']);
      } finally {
        client.close();
        server.close();
      }
    });

    it('is understood by a service without the library, and understands foreign packets', async () => {
      const plain = await startStandalone(undefined);
      try {
        const { result, trace } = await ask(standalone.spans, 2, () =>
          plain.client.send({ role: 'work', cmd: 'double' }, 4),
        );
        expect(result).toBe(8);
        expect(trace.filter(({ kind }) => kind === SpanKind.SERVER)).toEqual([]);
        const before = standalone.spans.ended.length;
        const packet = JSON.stringify({ pattern: 'work.number', data: 5, id: 'x', metadata: 'not a record' });
        const connection = await RawConnection.open(standalone.port);
        connection.socket.write(`${packet.length}#${packet}`);
        await connection.until('"response":5');
        connection.close();
        expect((await standalone.spans.serverAfter(before)).parentSpanContext).toBeUndefined();
      } finally {
        await plain.stop();
      }
    });

    it('follows the decision of a sender that does not sample', async () => {
      const traceId = 'a'.repeat(32);
      const packet = JSON.stringify({
        pattern: 'work.number',
        data: 6,
        id: 'y',
        metadata: { traceparent: `00-${traceId}-${'b'.repeat(16)}-00` },
      });
      const connection = await RawConnection.open(standalone.port);
      connection.socket.write(`${packet.length}#${packet}`);
      await connection.until('"response":6');
      connection.close();
      expect(standalone.spans.started.filter((span) => span.spanContext().traceId === traceId)).toEqual([]);
    });
  });

  describe('microservices of an HTTP application', () => {
    it.each([true, false])('are recorded, inheritAppConfig %s', async (inheritAppConfig) => {
      const port = await freePort();
      const running = await RunningApp.start(platform, {
        controllers: [...CONTROLLERS, ClientController],
        configure: (app) => {
          app.connectMicroservice(
            { transport: Transport.TCP, options: { host: '127.0.0.1', port } },
            { inheritAppConfig },
          );
        },
      });
      const client = tcpClient(port);
      try {
        await running.app.startAllMicroservices();
        const { result, trace } = await ask(running.spans, 4, () => client.send('work.number', '7'));
        expect(result).toBe(7);
        const server = ofKind(trace, SpanKind.SERVER);
        expect(server.parentSpanContext?.spanId).toBe(ofKind(trace, SpanKind.CLIENT).spanContext().spanId);
      } finally {
        client.close();
        await running.stop();
      }
    });

    it('records a client of @Client() that cannot connect', async () => {
      const running = await RunningApp.start(platform, { controllers: [ClientController] });
      try {
        const { client } = running.app.get(ClientController);
        const { trace } = await ask(running.spans, 2, () => client.send('anything', 1));
        const sent = ofKind(trace, SpanKind.CLIENT);
        expect(sent.status.code).toBe(SpanStatusCode.ERROR);
        expect(sent.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'server.port': 1 });
      } finally {
        await running.stop();
      }
    });
  });

  describe('microservices that are not to be recorded', () => {
    it.each([
      ['switched off', { instrumentation: { microservices: false } }],
      ['without telemetry', { enabled: false }],
    ] as const)('work as ever, %s', async (_, options) => {
      const standalone = await startStandalone(options);
      try {
        const answer = firstValueFrom(standalone.client.send({ role: 'work', cmd: 'double' }, 3));
        expect(await answer).toBe(6);
        expect(standalone.spans.started).toEqual([]);
      } finally {
        await standalone.stop();
      }
    });

    it('leave nothing on the clients when the last application has closed', async () => {
      const before = await startStandalone(undefined);
      const prototype = Object.getPrototypeOf(Object.getPrototypeOf(before.client)) as object;
      const methods = ['send', 'emit'].map((name): unknown => Reflect.get(prototype, name));
      const recorded = await startStandalone({});
      const during = ['send', 'emit'].map((name): unknown => Reflect.get(prototype, name));
      await recorded.stop();
      const after = ['send', 'emit'].map((name): unknown => Reflect.get(prototype, name));
      try {
        expect(during).not.toEqual(methods);
        expect(after).toEqual(methods);
        expect(await firstValueFrom(before.client.send('work.number', 1))).toBe(1);
      } finally {
        await before.stop();
      }
    });
  });
}
