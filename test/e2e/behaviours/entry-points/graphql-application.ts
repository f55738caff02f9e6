import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type INestApplication, Injectable, NotFoundException, Scope } from '@nestjs/common';
import {
  Args,
  Field,
  type GqlModuleOptions,
  GraphQLModule,
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
import { TelemetryService, Trace } from 'nestjs-telemetry';

import { type Platform } from '../platform.js';
import { type AppUnderTest, type Caller, RunningApp } from '../running-app.js';

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
    this.telemetry.annotate({ 'order.id': id });
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

export interface Flavour {
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

export const FLAVOURS: readonly Flavour[] = [
  { name: 'Apollo on Fastify', adapter: 'fastify', options: apollo },
  { name: 'Apollo on Express', adapter: 'express', options: apollo },
  { name: 'Mercurius on Fastify', adapter: 'fastify', options: mercurius },
];

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string }[];
}

export function startApp(
  platform: Platform,
  flavour: Flavour,
  parts: AppUnderTest = {},
): Promise<RunningApp> {
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

export async function ask(app: RunningApp, body: object, caller?: Caller): Promise<Result> {
  const response = await app.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(caller !== undefined && { caller }),
  });
  return (await response.json()) as Result;
}

export function valueOf(page: string, series: RegExp): number | undefined {
  const line = page.split('\n').find((text) => series.test(text));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

export const announcementsOf = (app: INestApplication): Announcements => app.get(Announcements);
