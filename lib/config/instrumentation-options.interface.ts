/** One switch per instrumentation; all are on by default. Nothing is loaded for what the application does not use. */
export interface InstrumentationOptions {
  /** HTTP server spans and metrics of the Nest application. Default true. */
  httpServer?: boolean | HttpServerInstrumentationOptions;
  /** Spans for the handlers of controllers and gateways. Default true. */
  nest?: boolean | NestInstrumentationOptions;
  /** Microservices: spans, metrics and propagation of messages sent and handled, whatever the transport. Default true. */
  microservices?: boolean;
  /** WebSocket gateways: spans and metrics of the messages they handle. Default true. */
  websockets?: boolean;
  /** GraphQL: spans and metrics of operations, and spans of resolvers. Default true. */
  graphql?: boolean;
  /** `@nestjs/schedule`: a trace and a metric for each run of a cron job, interval or timeout. Default true. */
  schedule?: boolean;
  /** `@nestjs/event-emitter`: spans of listeners below whoever emitted. Default true. */
  eventEmitter?: boolean;
  /** BullMQ: jobs added and processed, linked with each other; a trace and a metric for each attempt. Default true. */
  bullmq?: boolean;
  /** `@nestjs/cqrs`: spans of commands, queries and events. Default true. */
  cqrs?: boolean;
  /** Spans and propagation for fetch, undici and `node:http`. Default true. */
  http?: boolean;
  /** Spans for ioredis and redis commands. Default true. */
  redis?: boolean;
  /** Spans for pg queries. Default true. */
  pg?: boolean;
  /** Spans for mysql2 queries. Default true. */
  mysql?: boolean;
  /** Spans for MongoDB commands. Default true. */
  mongodb?: boolean;
  /** Event-loop, garbage-collection, heap, CPU and host metrics. Default true. */
  runtimeMetrics?: boolean;
}

/** What `instrumentation.httpServer` can be told beyond on and off. */
export interface HttpServerInstrumentationOptions {
  /**
   * Routes or paths that are not recorded at all: no span, metric, request line, or anything below them.
   * Strings match the path exactly, or as a prefix when they end in `*`. The scrape path is always added.
   * Default `/health`, `/health/*`, `/healthz`, `/livez`, `/readyz`, `/ready`, `/live`.
   */
  ignore?: readonly (string | RegExp)[];
}

/** What `instrumentation.nest` can be told beyond on and off. */
export type NestInstrumentationOptions = object;
