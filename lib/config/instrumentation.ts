import { type Attributes } from '@opentelemetry/api';
import { type RulesOf } from './option-rule.interface.js';
import { either, flag, listOf, must, number, shape } from './option-rules.js';
import { type InstrumentationConfig, type NestConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

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
  /** Metrics about the telemetry itself, `otel.sdk.*`: what was recorded, waits, was sent and lost. Default true. */
  sdkMetrics?: boolean;
}

/** What `instrumentation.httpServer` can be told beyond on and off. */
export interface HttpServerInstrumentationOptions {
  /**
   * Routes or paths that are not recorded at all: no span, metric, request line, or anything below them.
   * Strings match the path exactly, or as a prefix when they end in `*`; the template of a route (`/jobs/:id`) matches its
   * paths; regular expressions are tested against the path and, on Fastify, the route. The scrape path is always added.
   * Default `/health`, `/health/*`, `/healthz`, `/livez`, `/readyz`, `/ready`, `/live`.
   */
  ignore?: readonly (string | RegExp)[];
  /**
   * Further attributes of the server span. Called once per request, when it is over, with the request and response of the
   * framework (Fastify's request and reply, Express's request and response); must not be async. What it throws is warned
   * about once and left out. Default none.
   */
  spanAttributes?(request: unknown, response: unknown): Attributes | undefined;
  /**
   * Further labels of the request's duration and sizes, called like `spanAttributes`. Each combination of values is a
   * series of its own for as long as the process lives: take values from small, fixed sets, never ids. Default none.
   */
  metricAttributes?(request: unknown, response: unknown): Attributes | undefined;
}

/** What `instrumentation.nest` can be told beyond on and off. */
export interface NestInstrumentationOptions {
  /**
   * How guards, interceptors, pipes and exception filters are recorded, with their class and module: `timings` are
   * attributes of the span they run in (the server span of a request), `spans` are children of it, of those that take at least
   * `pipelineThresholdMs`; false records neither. Default `timings`.
   */
  pipeline?: NestPipelineForm | false;
  /** With `pipeline: 'spans'`, what takes less than this many milliseconds gets no span. Default 1. */
  pipelineThresholdMs?: number;
  /**
   * Providers whose methods get spans without a decorator: `all` those of the application, classes and names
   * (`OrderService`, or `OrderService.find` for one method), or a function that is asked for each class and then for each of
   * its methods. Default none.
   */
  providers?: NestProviderSelection;
}

/** How stages of the pipeline are told: attributes of the span they run in, or spans of their own. */
export type NestPipelineForm = 'timings' | 'spans';

/** Which providers have spans without a decorator: all, classes and names, or whatever a function says. */
export type NestProviderSelection =
  'all' | readonly (NestProviderClass | string)[] | ((provider: NestProviderInfo) => boolean);

/** A class, abstract ones too: those that extend it are meant. */
export type NestProviderClass = abstract new (...args: never[]) => unknown;

/** What a function that selects providers is asked about. */
export interface NestProviderInfo {
  readonly className: string;
  /** Name of the module that provides it. */
  readonly moduleName: string;
  /** undefined: whether any of its methods is to be recorded. */
  readonly methodName?: string;
}

const isFlag = (value: unknown): boolean => typeof value === 'boolean';

const attributesFunction = must(
  (value) => typeof value === 'function',
  'Write a function that is given the request and the response and returns an object of attributes.',
);

const httpServerRules: RulesOf<HttpServerInstrumentationOptions> = {
  ignore: listOf(
    must(
      (value) => value instanceof RegExp || (typeof value === 'string' && /^[/*]/.test(value)),
      'Write a path that starts with a slash (and may end in *), or a regular expression.',
    ),
    'paths and regular expressions',
  ),
  spanAttributes: attributesFunction,
  metricAttributes: attributesFunction,
};

const nestRules: RulesOf<NestInstrumentationOptions> = {
  pipeline: must(
    (value) => value === false || value === 'timings' || value === 'spans',
    "Write 'timings', 'spans' or false.",
  ),
  pipelineThresholdMs: number(0, Number.MAX_VALUE, 'a number of milliseconds, 0 or more'),
  providers: either(
    (value) => Array.isArray(value),
    listOf(
      must(
        (value) => typeof value === 'function' || (typeof value === 'string' && value.trim() !== ''),
        "Write a class, or its name: 'OrderService', or 'OrderService.find' for one method.",
      ),
      'classes and names',
    ),
    must(
      (value) => value === 'all' || typeof value === 'function',
      "Write 'all', an array of classes and names, or a function that is given { className, moduleName, methodName }.",
    ),
  ),
};

const instrumentationRules: RulesOf<InstrumentationOptions> = {
  httpServer: either(isFlag, flag, shape(httpServerRules, 'true, false or { ignore: […] }')),
  nest: either(isFlag, flag, shape(nestRules, "true, false or { pipeline: 'spans' }")),
  microservices: flag,
  websockets: flag,
  graphql: flag,
  schedule: flag,
  eventEmitter: flag,
  bullmq: flag,
  cqrs: flag,
  http: flag,
  redis: flag,
  pg: flag,
  mysql: flag,
  mongodb: flag,
  runtimeMetrics: flag,
  sdkMetrics: flag,
};

/** What `instrumentation` may be. */
export const INSTRUMENTATION_RULE = either(
  isFlag,
  flag,
  shape(instrumentationRules, 'true, false or an object of switches'),
);

/** Paths that orchestrators ask for; recording them buries everything else. */
const HEALTH_PATHS = ['/health', '/health/*', '/healthz', '/livez', '/readyz', '/ready', '/live'];

/**
 * Decides what creates spans and metrics by itself. The scrape path and the dashboard are never recorded, whatever is ignored besides.
 *
 * @param dashboardPath undefined when it is not served
 */
export function resolveInstrumentation(
  { instrumentation = true, prometheus }: TelemetryOptions,
  dashboardPath?: string,
): InstrumentationConfig {
  const otherwise = instrumentation !== false;
  const switches = typeof instrumentation === 'object' ? instrumentation : {};
  const httpServer = switches.httpServer ?? otherwise;
  const nest = switches.nest ?? otherwise;
  const { ignore: ignored = HEALTH_PATHS, ...hooks } = typeof httpServer === 'object' ? httpServer : {};
  const own = dashboardPath === undefined ? [] : [dashboardPath, `${dashboardPath}/*`];
  const ignore = Object.freeze([...new Set([prometheus?.path ?? '/metrics', ...own, ...ignored])]);
  return Object.freeze({
    httpServer: httpServer === false ? undefined : Object.freeze({ ...hooks, ignore }),
    nest: nest === false ? undefined : resolveNest(nest === true ? {} : nest),
    microservices: switches.microservices ?? otherwise,
    websockets: switches.websockets ?? otherwise,
    graphql: switches.graphql ?? otherwise,
    schedule: switches.schedule ?? otherwise,
    eventEmitter: switches.eventEmitter ?? otherwise,
    bullmq: switches.bullmq ?? otherwise,
    cqrs: switches.cqrs ?? otherwise,
    http: switches.http ?? otherwise,
    redis: switches.redis ?? otherwise,
    pg: switches.pg ?? otherwise,
    mysql: switches.mysql ?? otherwise,
    mongodb: switches.mongodb ?? otherwise,
    runtimeMetrics: switches.runtimeMetrics ?? otherwise,
    sdkMetrics: switches.sdkMetrics ?? otherwise,
  });
}

function resolveNest({
  pipeline = 'timings',
  pipelineThresholdMs = 1,
  providers,
}: NestInstrumentationOptions): NestConfig {
  return Object.freeze({ pipeline, pipelineThresholdMs, providers });
}
