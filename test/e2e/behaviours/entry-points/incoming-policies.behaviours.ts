import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller } from '@nestjs/common';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { type ClientProxy, ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SpanKind } from '@opentelemetry/api';
import { type TelemetryOptions } from 'nestjs-telemetry';
import { firstValueFrom, toArray } from 'rxjs';

import { eventually } from '../../../support/eventually.js';
import { freePort } from '../../../support/free-port.js';
import { type Platform } from '../platform.js';
import { type AppUnderTest, type Caller, fromOutside, newCaller, RunningApp } from '../running-app.js';
import { PROTOCOLS } from './websocket-protocols.js';

/** So many callers decide to sample; at 1 % hardly any of their calls is sampled here. */
const CALLS = 60;
/** A sampler that obeyed the callers would sample all; one at 1 % samples more than 12 of 60 about never. */
const AT_MOST = 12;

@Controller()
class PingController {
  @MessagePattern('ping')
  ping(): string {
    return 'pong';
  }
}

@WebSocketGateway()
class PingGateway {
  @SubscribeMessage('ping')
  ping(): object {
    return { event: 'pong', data: 1 };
  }
}

@Resolver()
class PingResolver {
  @Query(() => String)
  ping(): string {
    return 'pong';
  }
}

/** One way by which calls of other services come in. */
interface Entry {
  readonly name: string;
  /** The name of the span of a call. */
  readonly span: string;
  start(platform: Platform, telemetry: TelemetryOptions): Promise<RunningApp>;
  call(app: RunningApp, caller: Caller): Promise<void>;
  stop?(): Promise<void>;
}

function tcp(): Entry {
  let options: { host: string; port: number };
  let client: ClientProxy | undefined;
  let traceparent = '';
  return {
    name: 'messages over TCP',
    span: 'ping',
    start: async (platform, telemetry) => {
      options = { host: '127.0.0.1', port: await freePort() };
      const app = await RunningApp.start(platform, {
        controllers: [PingController],
        telemetry,
        configure: (nest) => {
          nest.connectMicroservice({ transport: Transport.TCP, options });
        },
      });
      await app.app.startAllMicroservices();
      return app;
    },
    call: async (_app, caller) => {
      client ??= ClientProxyFactory.create({
        transport: Transport.TCP,
        options: {
          ...options,
          // As a service elsewhere writes it, whose context is in the metadata of the packet.
          serializer: { serialize: (packet: object) => ({ ...packet, metadata: { traceparent } }) },
        },
      });
      traceparent = caller.traceparent;
      await fromOutside(() => firstValueFrom(client!.send('ping', {}).pipe(toArray())));
    },
    stop: async () => {
      await client?.close();
      client = undefined;
    },
  };
}

function webSocket(protocol: (typeof PROTOCOLS)[number]): Entry {
  return {
    name: `WebSocket gateways on ${protocol.name}`,
    span: 'WS ping',
    start: (platform, telemetry) =>
      RunningApp.start(platform, {
        providers: [PingGateway],
        telemetry,
        configure: (app) => app.useWebSocketAdapter(protocol.adapter(app)),
      }),
    call: async (app, { traceparent }) => {
      const client = await fromOutside(() => protocol.connect(app.origin, { traceparent }));
      client.send('ping');
      await client.answer('pong');
      client.close();
    },
  };
}

const graphqlParts: AppUnderTest = {
  imports: [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true })],
  providers: [PingResolver],
};

const graphql: Entry = {
  name: 'GraphQL over HTTP',
  span: 'query Ping',
  start: (platform, telemetry) => RunningApp.start(platform, { ...graphqlParts, telemetry }),
  call: async (app, caller) => {
    const response = await app.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'query Ping { ping }' }),
      caller,
    });
    expect(await response.json()).toEqual({ data: { ping: 'pong' } });
  },
};

export function describeIncomingPolicies(platform: Platform): void {
  describe.each([tcp(), ...PROTOCOLS.map(webSocket), graphql])('propagation.incoming of $name', (entry) => {
    let app: RunningApp | undefined;
    afterEach(async () => {
      await entry.stop?.();
      await app?.stop();
      app = undefined;
    });

    it.each(['link', 'ignore'] as const)(
      '%s: samples 1 %% here, independent of the decision of the caller',
      async (incoming) => {
        app = await entry.start(platform, { sampling: { ratio: 0.01 }, propagation: { incoming } });
        const callers = Array.from({ length: CALLS }, newCaller);
        for (const caller of callers) await entry.call(app, caller);
        const { spans } = app;
        const traceIds = new Set(callers.map(({ traceId }) => traceId));
        expect(spans.started.filter((span) => traceIds.has(span.spanContext().traceId))).toEqual([]);
        expect(spans.started.filter(({ name }) => name === entry.span).length).toBeLessThanOrEqual(AT_MOST);
      },
    );

    it.each(['link', 'ignore'] as const)(
      '%s: begins a trace, with a link only where asked for',
      async (incoming) => {
        app = await entry.start(platform, { sampling: { ratio: 1 }, propagation: { incoming } });
        const { spans } = app;
        const caller = newCaller();
        await entry.call(app, caller);
        const span = await eventually(`the span "${entry.span}"`, () =>
          spans.ended.find(({ name, kind }) => name === entry.span && kind !== SpanKind.CLIENT),
        );
        const { traceId } = span.spanContext();
        expect(traceId).not.toBe(caller.traceId);
        expect(spans.inTrace(caller.traceId)).toEqual([]);
        const linked = [...spans.ended].flatMap(({ links }) => links.map(({ context }) => context.spanId));
        expect(linked.includes(caller.spanId)).toBe(incoming === 'link');
      },
    );

    it('trust: is recorded when the caller is', async () => {
      app = await entry.start(platform, { sampling: { ratio: 0 } });
      const { spans } = app;
      const caller = newCaller();
      await entry.call(app, caller);
      await eventually('a span that belongs to the caller', () =>
        spans.ended.find(
          (span) =>
            span.spanContext().traceId === caller.traceId ||
            span.links.some(({ context }) => context.spanId === caller.spanId),
        ),
      );
    });
  });
}
