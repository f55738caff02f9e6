import { IntrospectAndCompose } from '@apollo/gateway';
import {
  ApolloDriver,
  type ApolloDriverConfig,
  ApolloFederationDriver,
  type ApolloFederationDriverConfig,
  ApolloGatewayDriver,
  type ApolloGatewayDriverConfig,
} from '@nestjs/apollo';
import { Module, NotFoundException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Args,
  Field,
  GraphQLModule,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { PubSub } from 'graphql-subscriptions';
import { WebSocket } from 'ws';

import { type Questions } from './questions';
import { type Sample } from './sample';

const events = new PubSub();

@ObjectType()
class Recipe {
  @Field(() => Int) id!: number;
  @Field() title!: string;
}

@Resolver(() => Recipe)
class RecipesResolver {
  @Query(() => Recipe) recipe(@Args('id', { type: () => Int }) id: number): Recipe {
    if (id === 404) throw new NotFoundException('no such recipe');
    return { id, title: `recipe ${id}` };
  }
  @Mutation(() => Recipe) async addRecipe(@Args('id', { type: () => Int }) id: number): Promise<Recipe> {
    const recipe = { id, title: 'new' };
    await events.publish('recipeAdded', { recipeAdded: recipe });
    return recipe;
  }
  @Subscription(() => Recipe) recipeAdded(): AsyncIterator<unknown> {
    return events.asyncIterableIterator('recipeAdded') as AsyncIterator<unknown>;
  }
}

function codeFirst(options: Partial<ApolloDriverConfig>): unknown {
  @Module({
    imports: [
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        includeStacktraceInErrorResponses: false,
        ...options,
      }),
    ],
    providers: [RecipesResolver],
  })
  class GraphqlModule {}
  return GraphqlModule;
}

/** Asks for a subscription in one of the two generations of the protocol, and notes what comes. */
async function subscribe(questions: Questions, protocol: string, start: string): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${questions.port}/graphql`, protocol);
  const received: string[] = [];
  socket.on('message', (data: Buffer) => received.push(data.toString()));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const waitFor = async (part: string, ask: () => unknown): Promise<void> => {
    for (let tries = 0; !received.some((text) => text.includes(part)); tries += 1) {
      if (tries > 200) throw new Error(`${part} did not come, only ${received.join()}`);
      await ask();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  socket.send(JSON.stringify({ type: 'connection_init', payload: {} }));
  await waitFor('connection_ack', () => undefined);
  const payload = { query: 'subscription Added { recipeAdded { id title } }' };
  socket.send(JSON.stringify({ id: '1', type: start, payload }));
  // It is not said when a subscription is set up: publish until an event comes.
  const add = { query: 'mutation Add { addRecipe(id: 7) { id } }' };
  await waitFor('"recipeAdded"', async () => {
    await questions.http('POST', '/graphql', add);
    questions.answers.pop();
  });
  questions.note(received.find((text) => text.includes('"recipeAdded"')));
  socket.close();
}

@Module({
  imports: [
    GraphQLModule.forRoot<ApolloFederationDriverConfig>({
      driver: ApolloFederationDriver,
      autoSchemaFile: { federation: 2 },
    }),
  ],
  providers: [RecipesResolver],
})
class SubgraphModule {}

const SUBGRAPH_PORT = 40_000 + (process.pid % 20_000);

export const graphqlSamples: Record<string, Sample> = {
  'GraphQL code first': {
    module: () => codeFirst({}),
    ask: async (questions) => {
      await questions.graphql('query One { recipe(id: 1) { id title } }');
      await questions.graphql('query None { recipe(id: 404) { id } }');
      await questions.graphql('{ nothing }');
      await questions.graphql('mutation Add { addRecipe(id: 2) { id } }');
    },
    spans: ['query One', 'mutation Add', 'RecipesResolver.recipe'],
  },
  'GraphQL subscriptions with installSubscriptionHandlers': {
    module: () => codeFirst({ installSubscriptionHandlers: true }),
    ask: (questions) => subscribe(questions, 'graphql-ws', 'start'),
    spans: ['subscription Added', 'subscription Added event'],
  },
  'GraphQL subscriptions with graphql-ws': {
    module: () => codeFirst({ subscriptions: { 'graphql-ws': true } }),
    ask: (questions) => subscribe(questions, 'graphql-transport-ws', 'subscribe'),
    spans: ['subscription Added', 'subscription Added event'],
  },
  'GraphQL federation gateway': {
    module: () => {
      @Module({
        imports: [
          GraphQLModule.forRootAsync<ApolloGatewayDriverConfig>({
            driver: ApolloGatewayDriver,
            useFactory: async () => {
              const subgraph = await NestFactory.create(SubgraphModule, { logger: false });
              await subgraph.listen(SUBGRAPH_PORT, '127.0.0.1');
              process.once('SIGTERM', () => void subgraph.close());
              const subgraphs = [{ name: 'recipes', url: `http://127.0.0.1:${SUBGRAPH_PORT}/graphql` }];
              return { gateway: { supergraphSdl: new IntrospectAndCompose({ subgraphs }) } };
            },
          }),
        ],
      })
      class GatewayModule {}
      return GatewayModule;
    },
    ask: async (questions) => {
      await questions.graphql('query One { recipe(id: 1) { id title } }');
    },
    spans: ['POST /graphql', 'query One'],
  },
};
