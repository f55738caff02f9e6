import {
  type HttpServerInstrumentationOptions,
  type InstrumentationOptions,
  type NestInstrumentationOptions,
} from './instrumentation-options.interface.js';
import { type RulesOf } from './option-rule.interface.js';
import { either, flag, listOf, must, shape } from './option-rules.js';

const isFlag = (value: unknown): boolean => typeof value === 'boolean';

const httpServerRules: RulesOf<HttpServerInstrumentationOptions> = {
  ignore: listOf(
    must(
      (value) => value instanceof RegExp || (typeof value === 'string' && /^[/*]/.test(value)),
      'Write a path that starts with a slash (and may end in *), or a regular expression.',
    ),
    'paths and regular expressions',
  ),
};

const nestRules: RulesOf<NestInstrumentationOptions> = {};

const instrumentationRules: RulesOf<InstrumentationOptions> = {
  httpServer: either(isFlag, flag, shape(httpServerRules, 'true, false or { ignore: […] }')),
  nest: either(isFlag, flag, shape(nestRules, 'true, false or an object of options')),
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
};

/** What `instrumentation` may be. */
export const INSTRUMENTATION_RULE = either(
  isFlag,
  flag,
  shape(instrumentationRules, 'true, false or an object of switches'),
);
