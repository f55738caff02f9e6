import {
  BadRequestException,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  Scope,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { NestApplication, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Ack,
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { getCurrentTraceId, TelemetryService, Trace } from 'nestjs-telemetry';
import { concatMap, from, interval, type Observable, Subject, timer } from 'rxjs';
import { map, tap } from 'rxjs/operators';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { type AppUnderTest, newCaller, RunningApp } from '../running-app.js';
import {
  type Answer,
  type Client,
  connectSocketIo,
  type Protocol,
  PROTOCOLS,
} from './websocket-protocols.js';

@Injectable()
class GuardOfTheGate implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const data = context.switchToWs().getData<{ guard?: string } | undefined>();
    if (data?.guard === 'throws') throw new WsException('the guard threw');
    return data?.guard !== 'refuses';
  }
}

@Injectable()
class StampTrace implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const before = getCurrentTraceId();
    return next.handle().pipe(
      map((answer: Answer) => ({
        ...answer,
        data: { ...(answer.data as object), interceptor: [before, getCurrentTraceId()] },
      })),
    );
  }
}

@Injectable()
class Ticker {
  @Trace()
  async tick(count: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return count;
  }
}

@WebSocketGateway()
class EchoGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  constructor(
    private readonly telemetry: TelemetryService,
    private readonly ticker: Ticker,
  ) {}

  afterInit(): void {
    this.telemetry.logInfo('gateway is up');
  }

  handleConnection(): void {
    this.telemetry.logInfo('client came');
  }

  handleDisconnect(): void {
    this.telemetry.logInfo('client left');
  }

  @SubscribeMessage('echo')
  @UseGuards(GuardOfTheGate)
  @UseInterceptors(StampTrace)
  echo(@MessageBody() body: object): Answer {
    this.telemetry.logInfo('echoing');
    return { event: 'echoed', data: { body, traceId: this.telemetry.getCurrentTraceId() } };
  }

  @SubscribeMessage('count')
  count(): Observable<Answer> {
    return from([1, 2, 3]).pipe(
      concatMap((count) => timer(10).pipe(concatMap(() => this.ticker.tick(count)))),
      map((count) => ({ event: 'counted', data: count })),
      tap({
        complete: () => {
          this.telemetry.logInfo('counted to three');
        },
      }),
    );
  }

  @SubscribeMessage('watch')
  watch(): Observable<Answer> {
    return interval(5).pipe(map((data) => ({ event: 'watched', data })));
  }

  @SubscribeMessage('fail')
  async fail(@MessageBody() how: string): Promise<never> {
    await Promise.resolve();
    if (how === 'ws') throw new WsException('not today');
    if (how === 'http') throw new BadRequestException('do not ask so');
    throw new TypeError('a bug');
  }

  @SubscribeMessage('fail as a Subject')
  failAsSubject(): Subject<never> {
    const answers = new Subject<never>();
    timer(5).subscribe(() => {
      answers.error(new RangeError('too far'));
    });
    return answers;
  }

  @SubscribeMessage('fail later')
  failLater(): Observable<never> {
    return timer(5).pipe(
      map(() => {
        throw new RangeError('too far');
      }),
    );
  }

  @SubscribeMessage('quiet')
  quiet(): void {
    // Answers nothing.
  }
}

@WebSocketGateway({ namespace: 'rooms' })
class RoomsGateway {
  @WebSocketServer()
  private readonly server!: { to(room: string): { emit(event: string, data: unknown): void } };

  @SubscribeMessage('join')
  async join(
    @ConnectedSocket() client: { join(room: string): Promise<void> },
    @MessageBody() room: string,
  ): Promise<{ joined: string }> {
    await client.join(room);
    return { joined: room };
  }

  @SubscribeMessage('say')
  say(@MessageBody() { room, text }: { room: string; text: string }): void {
    this.server.to(room).emit('said', text);
  }

  @SubscribeMessage('by hand')
  byHand(@Ack() ack: (answer: string) => void): void {
    ack('acknowledged by hand');
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerMessage {
  static made = 0;
  readonly id = (PerMessage.made += 1);
}

@WebSocketGateway()
class ScopedGateway {
  constructor(
    private readonly own: PerMessage,
    private readonly telemetry: TelemetryService,
  ) {}

  @SubscribeMessage('scoped')
  scoped(): Answer {
    return { event: 'scoped', data: { id: this.own.id, traceId: this.telemetry.getCurrentTraceId() } };
  }
}

@WebSocketGateway()
class ScopelessGateway {
  @SubscribeMessage('scopeless')
  scopeless(): Answer {
    return { event: 'scopeless', data: { answered: true } };
  }
}

function startApp(platform: Platform, protocol: Protocol, parts: AppUnderTest = {}): Promise<RunningApp> {
  return RunningApp.start(platform, {
    providers: [EchoGateway, Ticker],
    configure: (app) => app.useWebSocketAdapter(protocol.adapter(app)),
    ...parts,
  });
}

/** Waits for the message in which a filter says what was thrown; Nest 11 never sends it over a plain WebSocket. */
async function refused({ nest }: Platform, { name }: Protocol, client: Client): Promise<void> {
  if (nest === 12 || name === 'socket.io') await client.answer('exception');
}

function message(app: RunningApp, name: string): Promise<ReadableSpan> {
  return eventually(`a span "${name}"`, () => app.spans.ended.find((span) => span.name === name));
}

function valueOf(page: string, series: RegExp): number | undefined {
  const line = page.split('\n').find((text) => series.test(text));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

export function describeWebSockets(platform: Platform): void {
  describe.each(PROTOCOLS)('WebSocket gateways on $name', (protocol) => {
    let app: RunningApp;
    let client: Client;
    const caller = newCaller();
    beforeEach(async () => {
      app = await startApp(platform, protocol);
      client = await protocol.connect(app.origin, { traceparent: caller.traceparent });
    });
    afterEach(async () => {
      client.close();
      await app.stop();
    });

    it('give each message a server span in a trace of its own, linked to the request that connected', async () => {
      client.send('echo', { text: 'one' });
      const first = (await client.answer('echoed')) as { traceId: string };
      client.send('echo', { text: 'two' });
      const second = (await client.answer('echoed')) as { traceId: string };
      const span = await app.spans.named(first.traceId, 'WS echo');
      expect(span.kind).toBe(SpanKind.SERVER);
      expect(span.parentSpanContext).toBeUndefined();
      expect(span.attributes).toMatchObject({
        'nestjs.websocket.gateway': 'EchoGateway',
        'nestjs.websocket.event': 'echo',
      });
      expect(span.links.map(({ context }) => context.traceId)).toEqual([caller.traceId]);
      expect(span.status.code).toBe(SpanStatusCode.UNSET);
      expect(second.traceId).not.toBe(first.traceId);
      expect((await app.spans.named(second.traceId, 'WS echo')).links).toHaveLength(1);
      expect(app.spans.ended.filter(({ name }) => name === 'WS echo')).toHaveLength(2);
    });

    it('link to the span of the upgrade where it is recorded', async () => {
      client.send('echo', {});
      const { traceId } = (await client.answer('echoed')) as { traceId: string };
      const [link] = (await app.spans.named(traceId, 'WS echo')).links;
      const upgrades = app.spans
        .inTrace(caller.traceId)
        .filter(({ kind }) => kind === SpanKind.SERVER)
        .map((span) => span.spanContext().spanId);
      expect([...upgrades, caller.spanId]).toContain(link?.context.spanId);
      if (protocol.name === 'ws') expect(upgrades).toContain(link?.context.spanId);
    });

    it('run guards, interceptors, the handler and its log lines inside that span', async () => {
      client.send('echo', { text: 'one' });
      const answer = (await client.answer('echoed')) as { traceId: string; interceptor: string[] };
      const span = await app.spans.named(answer.traceId, 'WS echo');
      const handler = await app.spans.named(answer.traceId, 'EchoGateway.echo');
      expect(answer.interceptor).toEqual([answer.traceId, answer.traceId]);
      expect(app.spans.isBelow(handler, span)).toBe(true);
      expect(await app.log.withMessage('echoing')).toMatchObject({ trace_id: answer.traceId });
    });

    it('end the span with the Observable that the handler returned', async () => {
      client.send('count');
      for (const count of [1, 2, 3]) expect(await client.answer('counted')).toBe(count);
      const span = await message(app, 'WS count');
      const { traceId } = span.spanContext();
      const ticks = app.spans.inTrace(traceId).filter(({ name }) => name === 'Ticker.tick');
      expect(ticks).toHaveLength(3);
      for (const tick of ticks) expect(app.spans.isBelow(tick, span)).toBe(true);
      expect(app.spans.ended.indexOf(span)).toBeGreaterThan(app.spans.ended.indexOf(ticks[2]!));
      expect(await app.log.withMessage('counted to three')).toMatchObject({ trace_id: traceId });
    });

    it('end the span of a stream whose client went away, and mark it', async () => {
      client.send('watch');
      await client.answer('watched');
      client.close();
      const span = await message(app, 'WS watch');
      expect(span.events.map(({ name }) => name)).toContain('cancelled');
      expect(span.status.code).toBe(SpanStatusCode.UNSET);
    });

    it.each([
      ['an unknown error', 'fail', 'bug', 'TypeError', 'a bug'],
      ['a WsException', 'fail', 'ws', 'WsException', 'not today'],
      ['an error of the Observable', 'fail later', undefined, 'RangeError', 'too far'],
      ['an error of a Subject', 'fail as a Subject', undefined, 'RangeError', 'too far'],
      ['a guard that throws', 'echo', { guard: 'throws' }, 'WsException', 'the guard threw'],
      ['a guard that refuses', 'echo', { guard: 'refuses' }, 'WsException', 'Forbidden resource'],
    ])('record %s, which a filter answers', async (_, event, data, type, text) => {
      client.send(event, data);
      await refused(platform, protocol, client);
      const span = await message(app, `WS ${event}`);
      const { traceId } = span.spanContext();
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: text });
      expect(span.attributes['error.type']).toBe(type);
      const told = app.spans.inTrace(traceId).flatMap(({ events }) => events);
      expect(told.filter(({ name }) => name === 'exception')).toHaveLength(1);
    });

    it('do not count an HttpException below 500 as an error of the span', async () => {
      client.send('fail', 'http');
      await refused(platform, protocol, client);
      expect((await message(app, 'WS fail')).status.code).toBe(SpanStatusCode.UNSET);
    });

    it('record the lifecycle hooks, and link those of a client to its connection', async () => {
      client.close();
      const left = await message(app, 'EchoGateway.handleDisconnect');
      const came = await message(app, 'EchoGateway.handleConnection');
      await message(app, 'EchoGateway.afterInit');
      expect(came.links.map(({ context }) => context.traceId)).toEqual([caller.traceId]);
      expect(left.links.map(({ context }) => context.traceId)).toEqual([caller.traceId]);
      expect(await app.log.withMessage('client came')).toMatchObject({
        trace_id: came.spanContext().traceId,
      });
      expect(await app.log.withMessage('client left')).toMatchObject({
        trace_id: left.spanContext().traceId,
      });
    });

    it('measure messages by gateway, event and outcome, and count connections', async () => {
      client.send('echo', {});
      await client.answer('echoed');
      client.send('fail', 'bug');
      await refused(platform, protocol, client);
      await message(app, 'WS fail');
      const page = await app.scrape();
      const count = (labels: string) =>
        valueOf(page, new RegExp(`^nestjs_websocket_message_duration_seconds_count\\{(?=.*${labels})`));
      expect(count('event="echo"')).toBe(1);
      expect(count('error_type="TypeError".*event="fail"')).toBe(1);
      expect(page).toMatch(/message_duration_seconds_count\{.*nestjs_websocket_gateway="EchoGateway"/);
      expect(valueOf(page, /^nestjs_websocket_active_connections/)).toBe(1);
      client.close();
      await message(app, 'EchoGateway.handleDisconnect');
      expect(valueOf(await app.scrape(), /^nestjs_websocket_active_connections/)).toBe(0);
    });

    it('start again with the next application of the process', async () => {
      client.close();
      await app.stop();
      app = await startApp(platform, protocol);
      client = await protocol.connect(app.origin);
      client.send('echo', {});
      const { traceId } = (await client.answer('echoed')) as { traceId: string };
      await app.spans.named(traceId, 'WS echo');
      expect(app.spans.inTrace(traceId).filter(({ name }) => name === 'WS echo')).toHaveLength(1);
    });
  });

  describe.each(PROTOCOLS)('WebSocket gateways on $name, otherwise', (protocol) => {
    let app: RunningApp;
    afterEach(() => app.stop());

    const exchange = async (): Promise<void> => {
      const client = await protocol.connect(app.origin);
      client.send('echo', {});
      await client.answer('echoed');
      client.send('fail', 'bug');
      await refused(platform, protocol, client);
      client.send('echo', {});
      await client.answer('echoed');
      client.close();
    };

    it('work and record nothing of their own when instrumentation.websockets is off', async () => {
      app = await startApp(platform, protocol, { telemetry: { instrumentation: { websockets: false } } });
      await exchange();
      await app.log.withMessage('client left');
      expect(app.spans.started.filter(({ name }) => name.startsWith('WS'))).toEqual([]);
      expect(await app.scrape()).not.toMatch(/nestjs_websocket_message/);
    });

    it('work when telemetry is disabled', async () => {
      app = await startApp(platform, protocol, { telemetry: { enabled: false } });
      await exchange();
      await app.log.withMessage('client left');
      expect(app.spans.started).toEqual([]);
    });

    it('leave Nest as it was when the application is closed', async () => {
      const register = () => Reflect.get(NestApplication.prototype, 'registerWsModule') as unknown;
      const before = register();
      app = await startApp(platform, protocol);
      expect(register()).not.toBe(before);
      await app.stop();
      expect(register()).toBe(before);
    });

    it('leave an application without telemetry in the same process alone', async () => {
      app = await startApp(platform, protocol);
      @Module({ providers: [ScopelessGateway] })
      class Plain {}
      const plain = await NestFactory.create(Plain, new FastifyAdapter(), { logger: false });
      plain.useWebSocketAdapter(protocol.adapter(plain));
      await plain.listen(0, '127.0.0.1');
      const client = await protocol.connect(await plain.getUrl());
      client.send('scopeless');
      expect(await client.answer('scopeless')).toEqual({ answered: true });
      client.close();
      await plain.close();
      expect(app.spans.started.filter(({ name }) => name.startsWith('WS'))).toEqual([]);
    });

    it('measure messages that are not sampled', async () => {
      app = await startApp(platform, protocol, { telemetry: { sampling: { sampler: 'always_off' } } });
      await exchange();
      await app.log.withMessage('client left');
      const page = await app.scrape();
      expect(app.spans.ended).toEqual([]);
      expect(
        valueOf(page, /^nestjs_websocket_message_duration_seconds_count\{(?=.*error_type="TypeError")/),
      ).toBe(1);
    });
  });

  // On Nest 11 a request-scoped gateway is never made.
  (platform.nest === 12 ? describe : describe.skip)('request-scoped WebSocket gateways', () => {
    let app: RunningApp;
    afterEach(() => app.stop());

    it.each(PROTOCOLS)('have their messages recorded on $name', async (protocol) => {
      app = await startApp(platform, protocol, { providers: [ScopedGateway, PerMessage] });
      const client = await protocol.connect(app.origin);
      client.send('scoped');
      const { traceId } = (await client.answer('scoped')) as { traceId: string };
      const span = await app.spans.named(traceId, 'WS scoped');
      const handler = await app.spans.named(traceId, 'ScopedGateway.scoped');
      expect(app.spans.isBelow(handler, span)).toBe(true);
      expect(app.spans.started.map(({ name }) => name)).not.toContain('ScopedGateway.handleConnection');
      client.close();
    });
  });

  describe('WebSocket gateways with a namespace', () => {
    let app: RunningApp;
    afterEach(() => app.stop());

    it('record messages with acknowledgements and rooms, named after both', async () => {
      app = await startApp(platform, PROTOCOLS[1]!, { providers: [RoomsGateway] });
      const one = await connectSocketIo(`${app.origin}/rooms`);
      const two = await connectSocketIo(`${app.origin}/rooms`);
      expect(await one.emitWithAck('join', 'lobby')).toEqual({ joined: 'lobby' });
      expect(await one.emitWithAck('by hand')).toBe('acknowledged by hand');
      const said = new Promise((resolve) => one.once('said', resolve));
      two.emit('say', { room: 'lobby', text: 'hello' });
      expect(await said).toBe('hello');
      const span = await message(app, 'WS /rooms join');
      expect(span.attributes).toMatchObject({ 'nestjs.websocket.namespace': '/rooms' });
      await message(app, 'WS /rooms say');
      await message(app, 'WS /rooms by hand');
      expect(valueOf(await app.scrape(), /^nestjs_websocket_active_connections\{.*"\/rooms"/)).toBe(2);
      one.disconnect();
      two.disconnect();
    });
  });
}
