import type { Attributes } from '@opentelemetry/api';

import type { INSTRUMENTATIONS } from '../instrumentation/registry.js';
import { decide, frozenList, option, type OptionsOf } from './declare-options.js';
import {
  either,
  flag,
  flagOr,
  having,
  listOf,
  must,
  number,
  oneOf,
  type OptionRule,
  renderKind,
  shape,
} from './option-rules.js';
import type { Instrumentation } from './otel-instrumentation.interface.js';

/** Configuration of one instrumentation: `O` are its options beyond on and off, `C` its resolved form. */
export interface InstrumentationSwitch<O = never, C = boolean> {
  /** undefined for an instrumentation that is only switched on and off. */
  readonly options?: InstrumentationOptionsRule<O, C>;
}

interface InstrumentationOptionsRule<O, C> {
  readonly rule: OptionRule;
  /**
   * @param env values of the variables that the rule declares
   * @param ownPaths paths of this library on the application's port: the scrape path, the dashboard
   */
  resolve(options: O, env: Readonly<Record<string, unknown>>, ownPaths: readonly string[]): C;
}

/** Instrumentations by the name of their switch; `lib/instrumentation/registry.ts` lists them. */
export type InstrumentationSwitches = Readonly<Record<string, InstrumentationSwitch<never, unknown>>>;

type Registry = typeof INSTRUMENTATIONS;

/** One switch per instrumentation; all are on by default. Nothing is loaded for what the application does not use. */
export type InstrumentationOptions = {
  -readonly [K in keyof Registry]?: Registry[K] extends InstrumentationSwitch<infer O, unknown>
    ? boolean | O
    : never;
};

/** Options for automatic instrumentation. */
export interface InstrumentationSection {
  /** One switch per instrumentation; `false` turns every automatic instrumentation off. Default: all on. */
  instrumentation?: boolean | InstrumentationOptions;
  /** OpenTelemetry instrumentations to enable in addition to ours. Default none. */
  instrumentations?: readonly Instrumentation[];
}

/** The instrumentations that are on; undefined or false for those that are off. */
export type InstrumentationConfig = {
  readonly [K in keyof Registry]: Registry[K] extends InstrumentationSwitch<never, infer C> ? C : never;
};

/** Options of `instrumentation.httpServer` beyond on and off. */
export interface HttpServerInstrumentationOptions {
  /**
   * Paths (a prefix when they end in `*`), templates of routes (`/jobs/:id`) and regular expressions that are not recorded. The scrape
   * path is always added.
   *
   * Not recorded means: no span, metric, request line, or anything below them. Regular expressions are tested against the path and, on
   * Fastify, the route.
   *
   * Default `/health`, `/health/*`, `/healthz`, `/livez`, `/readyz`, `/ready`, `/live`.
   */
  ignore?: readonly (string | RegExp)[];
  /**
   * Function of the framework's request and response that returns further attributes of the server span.
   *
   * Called once per request, when it is over, with the request and response of the framework (Fastify's request and reply, Express's
   * request and response); must not be async. An error in it is a warning, once, and adds no attributes.
   *
   * Default none.
   */
  spanAttributes?(request: HookedRequest, response: HookedResponse): Attributes | undefined;
  /**
   * Function that returns further labels of the duration and the sizes of requests; take values from small, fixed sets.
   *
   * Called like `spanAttributes`. Each combination of values is a separate series until the process ends: never use ids.
   *
   * Default none.
   */
  metricAttributes?(request: HookedRequest, response: HookedResponse): Attributes | undefined;
  /**
   * Function of the framework's request that returns the id of its user. It is hashed before it is recorded, as `user.hash`;
   * `{ id, hash: false }` records `user.id` as it is.
   *
   * Called once per request, when it is over and guards have set `request.user`; must not be async. Return undefined for a request
   * without a user. Ids have at most 256 characters. An error in it is a warning, once, and the request is recorded without a user.
   * The user is on the server span and the request line, never on metrics; errors of the dashboard count their users.
   *
   * Default none.
   */
  user?(request: HookedRequest): RequestUser | string | number | bigint | undefined;
  /**
   * Key of the hash of `user`, an HMAC with SHA-256: without the key, who sees a hash cannot try ids until one fits. Use the same for
   * all services that have the same users.
   *
   * Default none: ids that can be guessed, such as numbers, can then be found out from their hash.
   *
   * Env `TELEMETRY_USER_HASH_KEY`.
   */
  userHashKey?: string;
  /**
   * Headers of every response with the ids of its trace: `traceresponse` (W3C Trace Context, level 2), `server-timing` (read by
   * browsers).
   *
   * Both hold `00-<trace id>-<span id>-<flags>`. What the application sends in `Server-Timing` is kept, and so is its
   * own `traceresponse`. Every client can read them.
   *
   * Default none.
   *
   * Env `TELEMETRY_HTTP_RESPONSE_HEADERS`.
   */
  responseHeaders?: readonly TraceResponseHeader[];
  /**
   * Adds `traceId` to the JSON objects that answer an exception, those of NestJS and those of the application's exception filters.
   *
   * Only to plain objects without such a key, whose other keys stay as they are. Strings, buffers, streams, arrays, answers to `HEAD`
   * and GraphQL are left alone.
   *
   * Default false.
   *
   * Env `TELEMETRY_HTTP_TRACE_ID_IN_ERRORS`.
   */
  traceIdInErrors?: boolean;
}

/** A response header that shows the client which trace its request is in. */
export type TraceResponseHeader = 'traceresponse' | 'server-timing';

const TRACE_RESPONSE_HEADERS = [
  'traceresponse',
  'server-timing',
] as const satisfies readonly TraceResponseHeader[];

/**
 * A request as the framework has it: what Fastify's and Express's have in common. A hook may name the type of its framework
 * instead: `spanAttributes(request: FastifyRequest) { … }`.
 */
export interface HookedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Address of the client, by the framework's rules on proxies. */
  readonly ip?: string | undefined;
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/** A user whose id is to be recorded as it is, or hashed. */
export interface RequestUser {
  readonly id: string | number | bigint;
  /** `false` records the id as it is, as `user.id`. Default true. */
  readonly hash?: boolean;
}

/** A response as the framework has it: Fastify's reply or Express's response. */
export interface HookedResponse {
  readonly statusCode: number;
}

/** Options of `instrumentation.nest` beyond on and off. */
export interface NestInstrumentationOptions {
  /**
   * Recording of guards, interceptors, pipes and exception filters, with their class and module: `timings` on the span they run in,
   * `spans` for those that take long, or `false`.
   *
   * `timings` are attributes, of the server span for a request. `spans` are children of that span, for stages that take at least
   * `pipelineThresholdMs`.
   *
   * Default `timings`.
   */
  pipeline?: NestPipelineForm | false;
  /** With `pipeline: 'spans'`: a stage that takes less than this many milliseconds gets no span. Default 1. */
  pipelineThresholdMs?: number;
  /**
   * Providers whose methods get spans without a decorator: `'all'`, classes and names, or a function.
   *
   * `'all'` means those of the application. A name is `OrderService`, or `OrderService.find` for one method. The function is called
   * for each class and then for each of its methods.
   *
   * Default none.
   */
  providers?: NestProviderSelection;
}

/** Recording of the stages of the pipeline: attributes of the span they run in, or separate spans. */
export type NestPipelineForm = 'timings' | 'spans';

/** Providers that get spans without a decorator: all, classes and names, or a function that selects them. */
export type NestProviderSelection =
  'all' | readonly (NestProviderClass | string)[] | ((provider: NestProviderInfo) => boolean);

/** A class, abstract ones too: those that extend it are meant. */
export type NestProviderClass = abstract new (...args: never[]) => unknown;

/** A class or method that a function selects. */
export interface NestProviderInfo {
  readonly className: string;
  /** Name of the module that provides it. */
  readonly moduleName: string;
  /** undefined: whether any of its methods is to be recorded. */
  readonly methodName?: string;
}

const attributesFunction = must(
  (value) => typeof value === 'function',
  'Write a function that is given the request and the response and returns an object of attributes.',
);

/** A secret: it is never shown. */
const hashKey: OptionRule = {
  check: (value, name, report) => {
    if (typeof value !== 'string' || value === '')
      report(name, renderKind(value), 'Write the key as a text, and check that its source is set.');
  },
};

const HTTP_SERVER = {
  ignore: listOf(
    must(
      (value) => value instanceof RegExp || (typeof value === 'string' && /^[/*]/.test(value)),
      'Write a path that starts with a slash (and may end in *), or a regular expression.',
    ),
    'paths and regular expressions',
  ),
  spanAttributes: option(attributesFunction, { see: 'http-server.md' }),
  metricAttributes: attributesFunction,
  user: option(
    must(
      (value) => typeof value === 'function',
      'Write a function that is given the request and returns the id of its user, or { id, hash: false }.',
    ),
    { see: 'http-server.md#users' },
  ),
  userHashKey: option(hashKey, {
    env: {
      TELEMETRY_USER_HASH_KEY: {
        kind: 'text',
        meaning: 'Key of the hash of users, see `httpServer.user`.',
      },
    },
    see: 'http-server.md#users',
  }),
  responseHeaders: option(listOf(oneOf(TRACE_RESPONSE_HEADERS), 'header names'), {
    env: {
      TELEMETRY_HTTP_RESPONSE_HEADERS: {
        kind: 'list',
        choices: [...TRACE_RESPONSE_HEADERS, 'none'],
        meaning: 'Headers of responses with the ids of their trace: `traceresponse`, `server-timing`.',
        otherwise: 'none',
      },
    },
    see: 'http-server.md#send-the-trace-to-the-client',
  }),
  traceIdInErrors: option(flag, {
    default: false,
    env: {
      TELEMETRY_HTTP_TRACE_ID_IN_ERRORS: {
        kind: 'boolean',
        meaning: 'Whether JSON objects that answer an exception get `traceId`.',
      },
    },
    see: 'http-server.md#send-the-trace-to-the-client',
  }),
} satisfies OptionsOf<HttpServerInstrumentationOptions>;

const NEST = {
  pipeline: option(
    must(
      (value) => value === false || value === 'timings' || value === 'spans',
      "Write 'timings', 'spans' or false.",
    ),
    { default: 'timings', see: 'nest.md' },
  ),
  pipelineThresholdMs: option(number(0, Number.MAX_VALUE, 'a number of milliseconds, 0 or more'), {
    default: 1,
  }),
  providers: option(
    either(
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
    { see: 'nest.md' },
  ),
} satisfies OptionsOf<NestInstrumentationOptions>;

export const INSTRUMENTATION_SECTION = {
  // The rule is `instrumentationRule()` of the switches that the caller has.
  instrumentation: option(flag, { see: 'clients.md' }),
  instrumentations: listOf(
    having(['enable', 'disable', 'setTracerProvider'], 'an OpenTelemetry instrumentation'),
    'instrumentations',
  ),
} satisfies OptionsOf<InstrumentationSection>;

/** The rule of `instrumentation` for these switches. */
export function instrumentationRule(switches: InstrumentationSwitches): OptionRule {
  const rules = Object.entries(switches).map(([name, { options }]) => [name, options?.rule ?? flag] as const);
  return flagOr(
    shape<Record<string, unknown>>(Object.fromEntries(rules), 'true, false or an object of switches'),
  );
}

/**
 * Decides which instrumentations are on.
 *
 * @param env values of variables by name
 * @param ownPaths paths of this library on the application's port, which are never recorded
 */
export function resolveInstrumentation(
  switches: InstrumentationSwitches,
  given: boolean | InstrumentationOptions = true,
  env: Readonly<Record<string, unknown>> = {},
  ownPaths: readonly string[] = [],
): InstrumentationConfig {
  const chosen: Readonly<Record<string, unknown>> = typeof given === 'object' ? given : {};
  const resolved = Object.entries(switches).map(([name, { options }]) => {
    const value = chosen[name] ?? given !== false;
    if (options === undefined) return [name, value];
    // The rule has checked the options: they are those of this switch.
    return [
      name,
      value === false ? undefined : options.resolve((value === true ? {} : value) as never, env, ownPaths),
    ];
  });
  // The type is inferred from the very switches.
  return Object.freeze(Object.fromEntries(resolved)) as InstrumentationConfig;
}

/** Paths of health checks; recording them buries everything else. */
const HEALTH_PATHS = ['/health', '/health/*', '/healthz', '/livez', '/readyz', '/ready', '/live'];

/** `instrumentation.httpServer`, resolved. */
export interface HttpServerConfig extends Omit<
  HttpServerInstrumentationOptions,
  'ignore' | 'userHashKey' | 'responseHeaders' | 'traceIdInErrors'
> {
  readonly ignore: readonly (string | RegExp)[];
  /** undefined: users are hashed without a key. */
  readonly userHashKey: string | undefined;
  readonly responseHeaders: readonly TraceResponseHeader[];
  readonly traceIdInErrors: boolean;
}

/** `instrumentation.httpServer`. */
export const HTTP_SERVER_OPTIONS = {
  rule: flagOr(shape(HTTP_SERVER, 'true, false or { ignore: […] }')),
  resolve(
    {
      ignore = HEALTH_PATHS,
      userHashKey,
      responseHeaders,
      traceIdInErrors,
      ...hooks
    }: HttpServerInstrumentationOptions,
    env: Readonly<Record<string, unknown>>,
    ownPaths: readonly string[],
  ): HttpServerConfig | undefined {
    return Object.freeze({
      ...hooks,
      ignore: Object.freeze([...new Set([...ownPaths, ...ignore])]),
      userHashKey: decide<string, (typeof HTTP_SERVER)['userHashKey']>(
        HTTP_SERVER.userHashKey,
        userHashKey,
        env,
      ),
      responseHeaders: frozenList(
        decide<readonly TraceResponseHeader[], object>(HTTP_SERVER.responseHeaders, responseHeaders, env),
      ),
      traceIdInErrors: decide(HTTP_SERVER.traceIdInErrors, traceIdInErrors, env),
    });
  },
};

/** `instrumentation.nest`, resolved. */
export interface NestConfig {
  readonly pipeline: NestPipelineForm | false;
  readonly pipelineThresholdMs: number;
  /** undefined: no provider gets spans without a decorator. */
  readonly providers: NestProviderSelection | undefined;
}

/** `instrumentation.nest`. */
export const NEST_OPTIONS = {
  rule: flagOr(shape(NEST, "true, false or { pipeline: 'spans' }")),
  resolve({
    pipeline = NEST.pipeline.default,
    pipelineThresholdMs = NEST.pipelineThresholdMs.default,
    providers,
  }: NestInstrumentationOptions): NestConfig | undefined {
    return Object.freeze({ pipeline, pipelineThresholdMs, providers });
  },
};
