import { type Attributes } from '@opentelemetry/api';

import { type INSTRUMENTATIONS } from '../instrumentation/registry.js';
import { type OptionRule, type RulesOf, either, flag, listOf, must, number, shape } from './option-rules.js';

/** What the configuration knows of one instrumentation: `O` is what can be set beyond on and off, `C` what is decided. */
export interface InstrumentationSwitch<O = never, C = boolean> {
  /** undefined for an instrumentation that is only switched on and off. */
  readonly options?: InstrumentationOptionsRule<O, C>;
}

interface InstrumentationOptionsRule<O, C> {
  readonly rule: OptionRule;
  /** @param ownPaths paths of this library on the application's port: the scrape path, the dashboard */
  resolve(options: O, ownPaths: readonly string[]): C;
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

/** What creates spans and metrics by itself; undefined or false switches it off. */
export type InstrumentationConfig = {
  readonly [K in keyof Registry]: Registry[K] extends InstrumentationSwitch<never, infer C> ? C : never;
};

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

/** What `instrumentation` may be, by the switches there are. */
export function instrumentationRule(switches: InstrumentationSwitches): OptionRule {
  const rules = Object.entries(switches).map(([name, { options }]) => [name, options?.rule ?? flag] as const);
  return either(
    isFlag,
    flag,
    shape<Record<string, unknown>>(Object.fromEntries(rules), 'true, false or an object of switches'),
  );
}

/**
 * Decides what creates spans and metrics by itself.
 *
 * @param ownPaths paths of this library on the application's port, which are never recorded
 */
export function resolveInstrumentation(
  switches: InstrumentationSwitches,
  given: boolean | InstrumentationOptions = true,
  ownPaths: readonly string[] = [],
): InstrumentationConfig {
  const chosen: Readonly<Record<string, unknown>> = typeof given === 'object' ? given : {};
  const resolved = Object.entries(switches).map(([name, { options }]) => {
    const value = chosen[name] ?? given !== false;
    if (options === undefined) return [name, value];
    // The rule has checked the options: they are those of this switch.
    return [
      name,
      value === false ? undefined : options.resolve((value === true ? {} : value) as never, ownPaths),
    ];
  });
  // The type is inferred from the very switches.
  return Object.freeze(Object.fromEntries(resolved)) as InstrumentationConfig;
}

/** Paths that orchestrators ask for; recording them buries everything else. */
const HEALTH_PATHS = ['/health', '/health/*', '/healthz', '/livez', '/readyz', '/ready', '/live'];

/** What is recorded of incoming requests. */
export interface HttpServerConfig extends Omit<HttpServerInstrumentationOptions, 'ignore'> {
  readonly ignore: readonly (string | RegExp)[];
}

/** `instrumentation.httpServer`. */
export const HTTP_SERVER_OPTIONS = {
  rule: either(isFlag, flag, shape(httpServerRules, 'true, false or { ignore: […] }')),
  resolve(
    { ignore = HEALTH_PATHS, ...hooks }: HttpServerInstrumentationOptions,
    ownPaths: readonly string[],
  ): HttpServerConfig | undefined {
    return Object.freeze({ ...hooks, ignore: Object.freeze([...new Set([...ownPaths, ...ignore])]) });
  },
};

/** What is recorded of NestJS's own pipeline and container. */
export interface NestConfig {
  readonly pipeline: NestPipelineForm | false;
  readonly pipelineThresholdMs: number;
  /** undefined: no provider gets spans by itself. */
  readonly providers: NestProviderSelection | undefined;
}

/** `instrumentation.nest`. */
export const NEST_OPTIONS = {
  rule: either(isFlag, flag, shape(nestRules, "true, false or { pipeline: 'spans' }")),
  resolve({
    pipeline = 'timings',
    pipelineThresholdMs = 1,
    providers,
  }: NestInstrumentationOptions): NestConfig | undefined {
    return Object.freeze({ pipeline, pipelineThresholdMs, providers });
  },
};
