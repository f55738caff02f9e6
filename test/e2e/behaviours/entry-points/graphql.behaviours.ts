import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type INestApplication, Injectable, NotFoundException, Scope } from '@nestjs/common';
import {
  Args,
  Field,
  type GqlModuleOptions,
  GraphQLModule,
  GraphQLSchemaHost,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Client, createClient } from 'graphql-ws';
import { TelemetryService, Trace } from 'nestjs-telemetry';
import { WebSocket } from 'ws';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { type AppUnderTest, type Caller, newCaller, RunningApp } from '../running-app.js';

@ObjectType()
class Customer {
  @Field()
  name!: string;
}

@ObjectType()
class Order {
  @Field(() => Int)
  id!: number;
}

/** Hands what is published to every subscriber that waits for it. */
class Announcements {
  private readonly waiting = new Set<(order: Order) => void>();

  get subscribers(): number {
    return this.waiting.size;
  }

  publish(order: Order): void {
    for (const deliver of this.waiting) deliver(order);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ orderPlaced: Order }> {
    const queue: Order[] = [];
    let wake: () => void = () => undefined;
    const deliver = (order: Order): void => {
      queue.push(order);
      wake();
    };
    this.waiting.add(deliver);
    try {
      for (;;) {
        const next = queue.shift();
        if (next !== undefined) yield { orderPlaced: next };
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.waiting.delete(deliver);
    }
  }
}

@Resolver(() => Order)
class OrdersResolver {
  constructor(
    private readonly announcements: Announcements,
    private readonly telemetry: TelemetryService,
  ) {}

  @Query(() => [Order])
  async orders(@Args('count', { type: () => Int }) count: number): Promise<Order[]> {
    await Promise.resolve();
    this.telemetry.logInfo('orders were asked for');
    return Array.from({ length: count }, (_, id) => ({ id }));
  }

  @Query(() => Order, { name: 'order' })
  findOrder(@Args('id', { type: () => Int }) id: number): Order {
    if (id === 404) throw new NotFoundException('no such order');
    if (id === 500) throw new TypeError('a bug');
    return { id };
  }

  @Query(() => String)
  @Trace()
  traced(): string {
    return this.telemetry.getCurrentTraceId() ?? '';
  }

  @Query(() => Int)
  async slow(): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return 20;
  }

  @Query(() => String)
  needed(): string | null {
    return null;
  }

  @Mutation(() => Order)
  place(@Args('id', { type: () => Int }) id: number): Order {
    this.announcements.publish({ id });
    return { id };
  }

  @Subscription(() => Order)
  orderPlaced(): AsyncGenerator<{ orderPlaced: Order }> {
    return this.announcements[Symbol.asyncIterator]();
  }

  @ResolveField(() => Customer)
  async customer(@Parent() order: Order): Promise<Customer> {
    if (order.id === 113) throw new RangeError('bad luck');
    return this.telemetry.trace('load customer', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return { name: `customer ${order.id}` };
    });
  }
}

@Injectable({ scope: Scope.REQUEST })
@Resolver()
class ScopedResolver {
  constructor(private readonly telemetry: TelemetryService) {}

  @Query(() => String)
  scoped(): string {
    return this.telemetry.getCurrentTraceId() ?? '';
  }
}

interface Flavour {
  readonly name: string;
  readonly adapter: Platform['adapter'];
  readonly options: GqlModuleOptions;
}

const apollo: ApolloDriverConfig = {
  driver: ApolloDriver,
  autoSchemaFile: true,
  allowBatchedHttpRequests: true,
  subscriptions: { 'graphql-ws': true },
};

const mercurius: MercuriusDriverConfig = {
  driver: MercuriusDriver,
  autoSchemaFile: true,
  allowBatchedQueries: true,
  subscription: { fullWsTransport: true },
};

const FLAVOURS: readonly Flavour[] = [
  { name: 'Apollo on Fastify', adapter: 'fastify', options: apollo },
  { name: 'Apollo on Express', adapter: 'express', options: apollo },
  { name: 'Mercurius on Fastify', adapter: 'fastify', options: mercurius },
];

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string }[];
}

function startApp(platform: Platform, flavour: Flavour, parts: AppUnderTest = {}): Promise<RunningApp> {
  // Mercurius imports its cache as an ES module, which jest without flags, as on Nest 11, cannot.
  const caching = flavour.options === mercurius && platform.nest === 11 ? { cache: false } : {};
  return RunningApp.start(
    { ...platform, adapter: flavour.adapter },
    {
      imports: [GraphQLModule.forRoot({ ...flavour.options, ...caching })],
      providers: [OrdersResolver, ScopedResolver, Announcements],
      ...parts,
    },
  );
}

async function ask(app: RunningApp, body: object, caller?: Caller): Promise<Result> {
  const response = await app.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(caller !== undefined && { caller }),
  });
  return (await response.json()) as Result;
}

function valueOf(page: string, series: RegExp): number | undefined {
  const line = page.split('\n').find((text) => series.test(text));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

const announcementsOf = (app: INestApplication): Announcements => app.get(Announcements);

export function describeGraphql(platform: Platform): void {
  describe.each(FLAVOURS)('GraphQL with $name', (flavour) => {
    let app: RunningApp;
    let caller: Caller;
    beforeAll(async () => {
      app = await startApp(platform, flavour);
    });
    afterAll(() => app.stop());
    beforeEach(() => {
      caller = newCaller();
    });

    const span = (name: string): Promise<ReadableSpan> => app.spans.named(caller.traceId, name);
    const inTrace = (name: string): ReadableSpan[] =>
      app.spans.inTrace(caller.traceId).filter((each) => each.name === name);

    it('has a span for the operation below that of its request, and resolvers below it', async () => {
      const query = 'query GetOrders { orders(count: 1) { id } }';
      const result = await ask(app, { query }, caller);
      expect(result.data).toEqual({ orders: [{ id: 0 }] });
      const server = await app.spans.server(caller.traceId);
      const operation = await span('query GetOrders');
      const resolver = await span('OrdersResolver.orders');
      expect(server.name).toBe('POST /graphql');
      expect(server.attributes).toMatchObject({
        'http.route': '/graphql',
        'graphql.operation.name': 'GetOrders',
        'graphql.operation.type': 'query',
      });
      expect(operation.kind).toBe(SpanKind.INTERNAL);
      expect(operation.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
      expect(operation.attributes).toEqual({
        'graphql.operation.name': 'GetOrders',
        'graphql.operation.type': 'query',
        'graphql.document': 'query GetOrders { orders(count: *) { id } }',
      });
      expect(operation.status.code).toBe(SpanStatusCode.UNSET);
      expect(resolver.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
      expect(resolver.attributes).toMatchObject({
        'code.function.name': 'OrdersResolver.orders',
        'nestjs.graphql.field': 'Query.orders',
      });
      expect(await app.log.withMessage('orders were asked for')).toHaveProperty('trace_id');
    });

    it('gives a log line of a resolver the span of the resolver', async () => {
      app.log.reset();
      await ask(app, { query: '{ orders(count: 0) { id } }' }, caller);
      const resolver = await span('OrdersResolver.orders');
      expect(await app.log.withMessage('orders were asked for')).toMatchObject({
        trace_id: caller.traceId,
        span_id: resolver.spanContext().spanId,
      });
    });

    it('makes one span of the calls for the items of a list', async () => {
      await ask(app, { query: 'query Many { orders(count: 100) { customer { name } } }' }, caller);
      await app.spans.server(caller.traceId);
      const operation = await span('query Many');
      const customers = inTrace('OrdersResolver.customer');
      const loads = inTrace('load customer');
      expect(customers).toHaveLength(1);
      expect(customers[0]!.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
      expect(customers[0]!.attributes).toMatchObject({ 'nestjs.repeat.count': 100 });
      expect(customers[0]!.attributes['nestjs.repeat.duration_ms']).toBeGreaterThan(90);
      expect(loads).toHaveLength(100);
      for (const load of loads) expect(app.spans.isBelow(load, customers[0]!)).toBe(true);
    });

    it('counts the failures among them, and describes one', async () => {
      const query = 'query Unlucky { orders(count: 114) { id customer { name } } }';
      const result = await ask(app, { query }, caller);
      expect(result.errors).toHaveLength(1);
      const [customers, operation] = [await span('OrdersResolver.customer'), await span('query Unlucky')];
      expect(customers.attributes).toMatchObject({ 'nestjs.repeat.count': 114, 'nestjs.repeat.errors': 1 });
      expect(customers.status).toEqual({ code: SpanStatusCode.ERROR, message: 'bad luck' });
      expect(operation.status).toEqual({ code: SpanStatusCode.ERROR, message: 'bad luck' });
      expect(operation.attributes['error.type']).toBe('RangeError');
    });

    it('marks an operation that answers with an error, however the request was answered', async () => {
      const result = await ask(app, { query: 'query Buggy { order(id: 500) { id } }' }, caller);
      expect(result.errors).toHaveLength(1);
      const operation = await span('query Buggy');
      const resolver = await span('OrdersResolver.findOrder');
      await app.spans.server(caller.traceId);
      expect(operation.status).toEqual({ code: SpanStatusCode.ERROR, message: 'a bug' });
      expect(operation.attributes).toMatchObject({
        'error.type': 'TypeError',
        'nestjs.graphql.error.count': 1,
      });
      expect(resolver.status.code).toBe(SpanStatusCode.ERROR);
      const told = app.spans.inTrace(caller.traceId).flatMap(({ events }) => events);
      expect(told.filter(({ name }) => name === 'exception')).toHaveLength(1);
    });

    it('marks an operation whose result the schema does not allow', async () => {
      const result = await ask(app, { query: 'query Needed { needed }' }, caller);
      expect(result.errors).toHaveLength(1);
      expect((await span('query Needed')).status.code).toBe(SpanStatusCode.ERROR);
    });

    it.each([
      ['what a resolver answers with an HttpException below 500', 'query Ask { order(id: 404) { id } }'],
      ['a variable of the wrong type', 'query Ask($id: Int!) { order(id: $id) { id } }'],
    ])('does not count against the operation: %s', async (_, query) => {
      const result = await ask(app, { query, variables: { id: 'four' } }, caller);
      expect(result.errors).toHaveLength(1);
      await app.spans.server(caller.traceId);
      const [operation] = app.spans
        .inTrace(caller.traceId)
        .filter(({ name }) => name === 'query Ask' || name === 'GraphQL Operation');
      expect(operation?.status.code).toBe(SpanStatusCode.UNSET);
    });

    it.each([
      ['does not parse', 'query {'],
      ['is not valid', 'query Wrong { unknown }'],
    ])('ends the span of a document that %s, without an error', async (_, query) => {
      await ask(app, { query }, caller);
      await app.spans.server(caller.traceId);
      const operation = await span('GraphQL Operation');
      expect(operation.status.code).toBe(SpanStatusCode.UNSET);
      expect(inTrace('query Wrong')).toEqual([]);
    });

    it('gives a method with @Trace() no second span, and request-scoped resolvers theirs', async () => {
      const result = await ask(app, { query: 'query Both { traced scoped }' }, caller);
      expect(result.data).toEqual({ traced: caller.traceId, scoped: caller.traceId });
      const operation = await span('query Both');
      await app.spans.server(caller.traceId);
      expect(inTrace('OrdersResolver.traced')).toHaveLength(1);
      expect(inTrace('ScopedResolver.scoped')).toHaveLength(1);
      for (const name of ['OrdersResolver.traced', 'ScopedResolver.scoped']) {
        expect(app.spans.isBelow(inTrace(name)[0]!, operation)).toBe(true);
      }
    });

    it('records each operation of a batch, and names the request after none', async () => {
      const batch = [
        { query: 'query One { order(id: 1) { id } }' },
        { query: 'mutation Two { place(id: 2) { id } }' },
      ];
      await ask(app, batch, caller);
      const server = await app.spans.server(caller.traceId);
      const [one, two] = [await span('query One'), await span('mutation Two')];
      const [find, place] = [await span('OrdersResolver.findOrder'), await span('OrdersResolver.place')];
      expect(find.parentSpanContext?.spanId).toBe(one.spanContext().spanId);
      expect(place.parentSpanContext?.spanId).toBe(two.spanContext().spanId);
      expect(server.attributes).not.toHaveProperty('graphql.operation.name');
    });

    it('keeps concurrent operations apart', async () => {
      const callers = Array.from({ length: 20 }, newCaller);
      await Promise.all(
        callers.map((each, index) =>
          ask(app, { query: `query At${index} { orders(count: 3) { customer { name } } }` }, each),
        ),
      );
      for (const [index, { traceId }] of callers.entries()) {
        const operation = await app.spans.named(traceId, `query At${index}`);
        const customers = await app.spans.named(traceId, 'OrdersResolver.customer');
        expect(customers.attributes).toMatchObject({ 'nestjs.repeat.count': 3 });
        expect(customers.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
      }
    });

    it('measures operations by name, type and outcome', async () => {
      await ask(app, { query: 'query Measured { orders(count: 1) { id } }' });
      await ask(app, { query: 'query Faulty { order(id: 500) { id } }' });
      await ask(app, { query: 'query Absent { order(id: 404) { id } }' });
      await ask(app, { query: '{ traced }' });
      const page = await app.scrape();
      const count = (labels: string) =>
        valueOf(page, new RegExp(`^nestjs_graphql_operation_duration_seconds_count\\{${labels}\\}`));
      expect(count('graphql_operation_name="Measured",graphql_operation_type="query"')).toBe(1);
      expect(
        count('error_type="TypeError",graphql_operation_name="Faulty",graphql_operation_type="query"'),
      ).toBe(1);
      expect(count('graphql_operation_name="Absent",graphql_operation_type="query"')).toBe(1);
      expect(count('graphql_operation_name="<anonymous>",graphql_operation_type="query"')).toBeGreaterThan(0);
    });

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

    it('shows a step that takes its time', async () => {
      await ask(app, { query: 'query Slow { slow }' }, caller);
      const operation = await span('query Slow');
      const execution = await span('graphql.execute');
      expect(execution.parentSpanContext?.spanId).toBe(operation.spanContext().spanId);
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

    it('works and records nothing when instrumentation.graphql is off', async () => {
      app = await startApp(platform, flavour, { telemetry: { instrumentation: { graphql: false } } });
      const caller = newCaller();
      const result = await ask(app, { query: 'query GetOrders { orders(count: 1) { id } }' }, caller);
      expect(result.data).toEqual({ orders: [{ id: 0 }] });
      await app.spans.server(caller.traceId);
      expect(app.spans.inTrace(caller.traceId).map(({ name }) => name)).not.toContain('query GetOrders');
      expect(await app.scrape()).not.toMatch(/nestjs_graphql_operation/);
    });

    it('works when telemetry is disabled', async () => {
      app = await startApp(platform, flavour, { telemetry: { enabled: false } });
      const result = await ask(app, { query: '{ orders(count: 1) { customer { name } } }' });
      expect(result.data).toEqual({ orders: [{ customer: { name: 'customer 0' } }] });
      expect(app.spans.started).toEqual([]);
    });

    it('measures operations that are not sampled', async () => {
      app = await startApp(platform, flavour, { telemetry: { sampling: { sampler: 'always_off' } } });
      await ask(app, { query: 'query Unsampled { order(id: 500) { id } }' });
      await ask(app, { query: 'query Unsampled { order(id: 404) { id } }' });
      const page = await app.scrape();
      expect(app.spans.ended).toEqual([]);
      const series = '^nestjs_graphql_operation_duration_seconds_count\\{';
      expect(valueOf(page, new RegExp(`${series}error_type="TypeError",.*"Unsampled"`))).toBe(1);
      expect(valueOf(page, new RegExp(`${series}graphql_operation_name="Unsampled"`))).toBe(1);
    });

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

    it('records nothing of a request that is ignored', async () => {
      app = await startApp(platform, flavour, {
        telemetry: { instrumentation: { httpServer: { ignore: ['/graphql'] } } },
      });
      await ask(app, { query: 'query Ignored { orders(count: 1) { id } }' });
      await app.fetch('/nowhere');
      await app.spans.serverAfter(0);
      expect(app.spans.ended).toHaveLength(1);
    });

    it('starts anew with the next application of the process', async () => {
      app = await startApp(platform, flavour);
      await app.stop();
      app = await startApp(platform, flavour);
      const caller = newCaller();
      await ask(app, { query: 'query Again { orders(count: 1) { id } }' }, caller);
      await app.spans.server(caller.traceId);
      const names = app.spans.inTrace(caller.traceId).map(({ name }) => name);
      expect(names.filter((name) => name === 'query Again')).toHaveLength(1);
      expect(names.filter((name) => name === 'OrdersResolver.orders')).toHaveLength(1);
    });
  });

  it.each(FLAVOURS)(
    'GraphQL with $name is left as it was when the application is closed',
    async (flavour) => {
      const { driver } = flavour.options as { driver: { prototype: object } };
      const before = Reflect.get(driver.prototype, 'start') as unknown;
      const app = await startApp(platform, flavour);
      const { schema } = app.app.get(GraphQLSchemaHost);
      const resolve = schema.getQueryType()?.getFields().orders?.resolve;
      expect(Reflect.get(driver.prototype, 'start')).not.toBe(before);
      await app.stop();
      expect(Reflect.get(driver.prototype, 'start')).toBe(before);
      expect(schema.getQueryType()?.getFields().orders?.resolve).not.toBe(resolve);
    },
  );
}
