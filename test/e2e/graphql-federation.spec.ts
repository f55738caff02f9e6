import { ApolloFederationDriver, type ApolloFederationDriverConfig } from '@nestjs/apollo';
import { NotFoundException } from '@nestjs/common';
import {
  Directive,
  Field,
  GraphQLModule,
  Int,
  ObjectType,
  Query,
  Resolver,
  ResolveReference,
} from '@nestjs/graphql';
import { SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { Trace } from 'nestjs-telemetry';

import { type Caller, newCaller, RunningApp } from './behaviours/running-app.js';
import { startNodeSdk } from './start-node-sdk.js';

@ObjectType()
@Directive('@key(fields: "id")')
class Order {
  @Field(() => Int)
  id!: number;
}

@ObjectType()
@Directive('@key(fields: "name")')
class Customer {
  @Field()
  name!: string;
}

interface Reference<T> {
  readonly __typename: string;
  readonly key: T;
}

@Resolver(() => Order)
class OrdersResolver {
  @Query(() => Int)
  count(): number {
    return 1;
  }

  @ResolveReference()
  async findOrder({ id }: Reference<number> & Order): Promise<Order> {
    await Promise.resolve();
    if (id === 404) throw new NotFoundException('no such order');
    if (id === 500) throw new TypeError('a bug');
    return { id };
  }
}

@Resolver(() => Customer)
class CustomersResolver {
  @ResolveReference()
  @Trace()
  findCustomer({ name }: Reference<string> & Customer): Customer {
    return { name };
  }
}

const orders = (...ids: number[]) => ids.map((id) => ({ __typename: 'Order', id }));

describe('a subgraph of a federated graph', () => {
  let app: RunningApp;
  let caller: Caller;
  beforeAll(async () => {
    const options: ApolloFederationDriverConfig = {
      driver: ApolloFederationDriver,
      autoSchemaFile: { federation: 2 },
      buildSchemaOptions: { orphanedTypes: [Order, Customer] },
    };
    app = await RunningApp.start(
      { nest: 12, adapter: 'fastify', startOwnSdk: startNodeSdk },
      { imports: [GraphQLModule.forRoot(options)], providers: [OrdersResolver, CustomersResolver] },
    );
  });
  afterAll(() => app.stop());
  beforeEach(() => {
    caller = newCaller();
  });

  /** Asks as a gateway does, and gives the spans of resolvers below the operation; slow phases have some too. */
  async function resolve(...representations: object[]): Promise<readonly ReadableSpan[]> {
    const query = `query Entities($representations: [_Any!]!) {
      _entities(representations: $representations) { ... on Order { id } ... on Customer { name } }
    }`;
    await app.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { representations } }),
      caller,
    });
    await app.spans.server(caller.traceId);
    const operation = await app.spans.named(caller.traceId, 'query Entities');
    return app.spans
      .inTrace(caller.traceId)
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === operation.spanContext().spanId)
      .filter(({ name }) => name.includes('Resolver.'));
  }

  it('gives a reference its span below the operation that asks for it', async () => {
    const [reference, ...others] = await resolve(...orders(1));
    expect(others).toEqual([]);
    expect(reference!.name).toBe('OrdersResolver.findOrder');
    expect(reference!.attributes).toEqual({
      'code.function.name': 'OrdersResolver.findOrder',
      'nestjs.graphql.field': 'Order.__resolveReference',
    });
  });

  it('makes one span of the references to a type, and leaves a method with @Trace() its own', async () => {
    const customers = ['Ada', 'Grace'].map((name) => ({ __typename: 'Customer', name }));
    const below = await resolve(...orders(1, 2, 3), ...customers);
    expect(below.map(({ name }) => name).sort()).toEqual([
      'CustomersResolver.findCustomer',
      'CustomersResolver.findCustomer',
      'OrdersResolver.findOrder',
    ]);
    const references = below.find(({ name }) => name === 'OrdersResolver.findOrder');
    expect(references!.attributes['nestjs.repeat.count']).toBe(3);
  });

  it.each([
    ['a bug', 500, SpanStatusCode.ERROR],
    ['an HttpException below 500', 404, SpanStatusCode.UNSET],
  ])('judges %s as in any resolver', async (_, id, status) => {
    const [references] = await resolve(...orders(1, id));
    const operation = await app.spans.named(caller.traceId, 'query Entities');
    expect([references!.status.code, operation.status.code]).toEqual([status, status]);
    const told = app.spans.inTrace(caller.traceId).flatMap(({ events }) => events);
    expect(told.filter(({ name }) => name === 'exception')).toHaveLength(1);
  });
});
