import { HTTP_SERVER_OPTIONS, NEST_OPTIONS } from '../config/instrumentation.js';
import { bullmq } from './bullmq/patch-bullmq.js';
import { http } from './clients/http/instrument-http.js';
import { mongodb } from './clients/mongodb/instrument-mongodb.js';
import { mysql } from './clients/mysql/instrument-mysql.js';
import { openai } from './clients/openai/instrument-openai.js';
import { pg } from './clients/pg/instrument-pg.js';
import { postgres } from './clients/postgres/instrument-postgres.js';
import { redis } from './clients/redis/instrument-redis.js';
import { type ClientInstrumentation, defineInstrumentation } from './define-instrumentation.js';

/**
 * Every instrumentation by the name of its switch. To add one, write its definition in its own folder and list it here; the
 * comment is what editors and docs show of its option.
 */
export const INSTRUMENTATIONS = {
  /** HTTP server spans and metrics of the application. Default true. */
  httpServer: defineInstrumentation({ options: HTTP_SERVER_OPTIONS }),
  /** Spans for the handlers of controllers and gateways. Default true. */
  nest: defineInstrumentation({ options: NEST_OPTIONS }),
  /** Microservices: spans, metrics and propagation of messages sent and handled, whatever the transport. Default true. */
  microservices: defineInstrumentation({}),
  /** WebSocket gateways: spans and metrics of the messages they handle. Default true. */
  websockets: defineInstrumentation({}),
  /** GraphQL: spans and metrics of operations, and spans of resolvers. Default true. */
  graphql: defineInstrumentation({}),
  /** `@nestjs/schedule`: a trace and a metric for each run of a cron job, interval or timeout. Default true. */
  schedule: defineInstrumentation({}),
  /** `@nestjs/event-emitter`: spans of listeners, below the span that emitted. Default true. */
  eventEmitter: defineInstrumentation({}),
  /** BullMQ: jobs added and processed, linked with each other; a trace and a metric for each attempt. Default true. */
  bullmq,
  /** `@nestjs/cqrs`: spans of commands, queries and events. Default true. */
  cqrs: defineInstrumentation({}),
  /** Spans and propagation for fetch, undici and `node:http`. Default true. */
  http,
  /** Spans for ioredis and redis commands. Default true. */
  redis,
  /** Spans for pg queries. Default true. */
  pg,
  /** Spans for queries of postgres (postgres.js). Default true. */
  postgres,
  /** Spans for mysql2 queries. Default true. */
  mysql,
  /** Spans for MongoDB commands. Default true. */
  mongodb,
  /** Calls of language models through openai: chat, responses and embeddings, streams too. Default true. */
  openai,
  /** Event loop, garbage collection, heap, CPU and host metrics. Default true. */
  runtimeMetrics: defineInstrumentation({}),
  /** Metrics about the telemetry itself, `otel.sdk.*`: what was recorded, waits, was sent and lost. Default true. */
  sdkMetrics: defineInstrumentation({}),
} as const;

type Registry = typeof INSTRUMENTATIONS;

/** Names of the instrumentations that `instrument()` turns on, without a Nest application. */
export type InstrumentationName = {
  [K in keyof Registry]: Registry[K] extends { readonly clients: unknown } ? K : never;
}[keyof Registry];

/** The module that `instrument()` takes beside a name; never where it takes none. */
export type InstrumentedModule<K extends InstrumentationName> =
  Registry[K] extends ClientInstrumentation<infer M, never, unknown> ? M : never;

/** The instrumentations of clients, by the name of their switch. */
export function clientInstrumentations(): readonly (readonly [InstrumentationName, ClientInstrumentation])[] {
  return Object.entries(INSTRUMENTATIONS).filter(
    (entry): entry is [InstrumentationName, ClientInstrumentation] => 'clients' in entry[1],
  );
}
