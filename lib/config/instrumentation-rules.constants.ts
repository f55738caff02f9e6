import {
  type HttpServerInstrumentationOptions,
  type InstrumentationOptions,
  type NestInstrumentationOptions,
} from './instrumentation-options.interface.js';
import { type RulesOf } from './option-rule.interface.js';
import { either, flag, listOf, must, number, shape } from './option-rules.js';

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
