import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { SpanKind } from '@opentelemetry/api';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { type RunningApp } from '../running-app.js';
import { announcementsOf, FLAVOURS, startApp } from './graphql-application.js';

/** Operations and subscriptions over sockets. */
export function describeGraphqlSockets(platform: Platform): void {
  describe.each(FLAVOURS)('GraphQL with $name', (flavour) => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startApp(platform, flavour);
    });
    afterAll(() => app.stop());

    it('records an operation that comes over a socket as a trace of its own', async () => {
      const url = `${app.origin.replace('http', 'ws')}/graphql`;
      const client: Client = createClient({ url, webSocketImpl: WebSocket });
      const query = 'query OverSocket { order(id: 3) { id } }';
      const result = await new Promise((resolve, reject) => {
        client.subscribe({ query }, { next: resolve, error: reject, complete: () => undefined });
      });
      await client.dispose();
      const operation = await eventually('the operation', () =>
        app.spans.ended.find(({ name }) => name === 'query OverSocket'),
      );
      const resolver = await app.spans.named(operation.spanContext().traceId, 'OrdersResolver.findOrder');
      expect(result).toMatchObject({ data: { order: { id: 3 } } });
      expect(operation.kind).toBe(SpanKind.SERVER);
      expect(operation.parentSpanContext).toBeUndefined();
      expect(resolver.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
    });

    it('records a subscription and each of its events as traces that are linked', async () => {
      const client: Client = createClient({
        url: `${app.origin.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
      });
      const received: unknown[] = [];
      const query = 'subscription OnOrder { orderPlaced { id customer { name } } }';
      const stop = client.subscribe(
        { query },
        { next: ({ data }) => received.push(data), error: () => undefined, complete: () => undefined },
      );
      await eventually('a subscriber', () => announcementsOf(app.app).subscribers === 1);
      announcementsOf(app.app).publish({ id: 7 });
      await eventually('an event', () => received.length === 1);
      announcementsOf(app.app).publish({ id: 8 });
      await eventually('a second event', () => received.length === 2);
      stop();
      await client.dispose();
      const ended = (name: string) => app.spans.ended.filter((each) => each.name === name);
      await eventually('both events', () => ended('subscription OnOrder event').length === 2);
      const [subscription] = ended('subscription OnOrder');
      expect(received).toEqual([
        { orderPlaced: { id: 7, customer: { name: 'customer 7' } } },
        { orderPlaced: { id: 8, customer: { name: 'customer 8' } } },
      ]);
      expect(subscription?.kind).toBe(SpanKind.SERVER);
      expect(subscription?.parentSpanContext).toBeUndefined();
      for (const event of ended('subscription OnOrder event')) {
        expect(event.links.map(({ context }) => context.spanId)).toEqual([
          subscription!.spanContext().spanId,
        ]);
        const below = app.spans.inTrace(event.spanContext().traceId).map(({ name }) => name);
        expect(below).toEqual(['load customer', 'OrdersResolver.customer', 'subscription OnOrder event']);
      }
    });
  });

  describe.each(FLAVOURS.slice(0, 2))('installSubscriptionHandlers with $name', (flavour) => {
    let app: RunningApp;
    afterEach(() => app.stop());

    it('keeps the protocol that the driver has by default, and records the subscription', async () => {
      const options = { driver: ApolloDriver, autoSchemaFile: true };
      app = await startApp(platform, {
        ...flavour,
        options: { ...options, installSubscriptionHandlers: true } as ApolloDriverConfig,
      });
      // The two generations of the protocol: `@nestjs/apollo` 13 has the older one, 14 the newer one.
      const [protocol, start] =
        platform.nest === 11
          ? (['graphql-ws', 'start'] as const)
          : (['graphql-transport-ws', 'subscribe'] as const);
      const socket = new WebSocket(`${app.origin.replace('http', 'ws')}/graphql`, protocol);
      const received: string[] = [];
      socket.on('message', (data: Buffer) => received.push(data.toString()));
      const opened = await new Promise((resolve) => {
        socket
          .once('open', () => {
            resolve(socket.protocol);
          })
          .once('error', resolve);
      });
      expect(opened).toBe(protocol);
      socket.send(JSON.stringify({ type: 'connection_init', payload: {} }));
      await eventually('the acknowledgement', () => received.some((text) => text.includes('connection_ack')));
      const query = 'subscription Installed { orderPlaced { id } }';
      socket.send(JSON.stringify({ id: '1', type: start, payload: { query } }));
      await eventually('a subscriber', () => announcementsOf(app.app).subscribers === 1);
      announcementsOf(app.app).publish({ id: 9 });
      await eventually('the event', () => received.some((text) => text.includes('{"orderPlaced":{"id":9}}')));
      socket.close();
      await eventually('the subscription', () =>
        app.spans.ended.find(({ name }) => name === 'subscription Installed'),
      );
    });
  });

  describe.each(FLAVOURS)('GraphQL with $name, otherwise', (flavour) => {
    let app: RunningApp;
    afterEach(() => app.stop());

    it('leaves out what an operation over a socket does when that is not sampled', async () => {
      app = await startApp(platform, flavour, {
        telemetry: { sampling: { rules: [{ name: /^(query|GraphQL Operation)$/, ratio: 0 }] } },
      });
      const url = `${app.origin.replace('http', 'ws')}/graphql`;
      const client: Client = createClient({ url, webSocketImpl: WebSocket });
      const query = '{ orders(count: 2) { customer { name } } }';
      await new Promise((resolve, reject) => {
        client.subscribe({ query }, { next: resolve, error: reject, complete: () => undefined });
      });
      await client.dispose();
      expect(app.spans.started.map(({ name }) => name)).not.toContain('load customer');
    });
  });
}
