import type { TextMapPropagator } from '@opentelemetry/api';

import { decide, frozenList, option, type OptionsOf, type ValuesIn } from './declare-options.js';
import {
  either,
  having,
  isRecord,
  listOf,
  oneOf,
  type OptionRule,
  renderReceived,
  shape,
  suggestName,
  text,
} from './option-rules.js';

const PROPAGATOR_NAMES = ['tracecontext', 'baggage', 'b3', 'b3multi'] as const;

/** Propagators by the names of `OTEL_PROPAGATORS`. */
export type PropagatorName = (typeof PROPAGATOR_NAMES)[number];

/** Whether a propagator has that name. */
export function isPropagatorName(name: unknown): name is PropagatorName {
  return (PROPAGATOR_NAMES as readonly unknown[]).includes(name);
}

export const INCOMING_MODES = ['trust', 'link', 'ignore'] as const;

/**
 * Use of the trace context that a caller sends. `trust`: its span is the parent, its sampling decision counts, its baggage is
 * read. `link`: a new trace with a span link to it, sampled here, without its baggage. `ignore`: a new trace.
 */
export type IncomingMode = (typeof INCOMING_MODES)[number];

const ENTRY_POINTS = ['http', 'websocket', 'graphql', 'bullmq'] as const;
const TRANSPORTS = ['tcp', 'redis', 'nats', 'mqtt', 'grpc', 'rabbitmq', 'kafka', 'custom'] as const;
const LISTENERS = [...ENTRY_POINTS, ...TRANSPORTS] as const;

/** Entry point of a call; the names of transports are those of microservices. */
export type IncomingListener = (typeof LISTENERS)[number];

/** A call that a function decides about. */
export interface IncomingRequest {
  /** Headers, metadata of the message or the gRPC call, or connection parameters. */
  readonly headers?: unknown;
}

/**
 * A mode, or a function that chooses one. It is called with the request of the framework (HTTP) or an object with `headers`
 * (everything else), only for calls that may carry a context. A call for which it throws, or returns anything else, is linked.
 */
export type IncomingPolicy =
  | IncomingMode
  | ((request: IncomingRequest & Record<string, unknown>, listener: IncomingListener) => IncomingMode);

/** A policy for each listener; `microservices` is for every transport that is not named, `default` for all that is not. */
export type IncomingPolicies = Partial<
  Readonly<Record<IncomingListener | 'microservices' | 'default', IncomingPolicy>>
>;

/** Use of the trace context that callers send; `propagators` sets the headers it is read from. */
export interface PropagationOptions {
  /**
   * `trust`, `link` or `ignore`; a function of the request; or an object of these by listener.
   * Default `trust`. Env `TELEMETRY_PROPAGATION_INCOMING`.
   */
  incoming?: IncomingPolicy | IncomingPolicies;
  /**
   * Keys of baggage whose values become attributes of every span and fields of every log line: `['tenant.id']`.
   *
   * Baggage comes with the calls that `incoming` trusts, and from the application. Values are cut to 1,024 characters.
   *
   * Default none. Env `TELEMETRY_BAGGAGE_FIELDS`.
   */
  baggageFields?: readonly string[];
}

/** Options for trace context between processes. */
export interface PropagationSection {
  /**
   * Formats of the trace context in headers: `tracecontext`, `baggage`, `b3`, `b3multi`, or instances.
   * Default `tracecontext`, `baggage`. Env `OTEL_PROPAGATORS`.
   */
  propagators?: readonly (PropagatorName | TextMapPropagator)[];
  /** Use of the trace context that callers send. Default: it is trusted. Env `TELEMETRY_PROPAGATION_INCOMING`. */
  propagation?: PropagationOptions;
}

/** `propagators` and `propagation`, resolved. */
export interface PropagationConfig {
  readonly propagators: readonly (PropagatorName | TextMapPropagator)[];
  readonly propagation: { readonly incoming: IncomingConfig; readonly baggageFields: readonly string[] };
}

/** The policy of each listener. */
export type IncomingConfig = Readonly<Record<IncomingListener, IncomingPolicy>>;

const KEYS: readonly string[] = ['default', 'microservices', ...LISTENERS];

const policy: OptionRule = {
  check: (value, name, report) => {
    if (typeof value !== 'function') oneOf(INCOMING_MODES).check(value, name, report);
  },
};

const incoming: OptionRule = {
  check: (value, name, report) => {
    if (!isRecord(value)) policy.check(value, name, report);
    else
      for (const [key, entry] of Object.entries(value))
        if (KEYS.includes(key)) {
          if (entry !== undefined) policy.check(entry, `${name}.${key}`, report);
        } else {
          const meant = suggestName(key, KEYS);
          const hint = meant === undefined ? '' : `Did you mean ${meant}? `;
          report(`${name}.${key}`, renderReceived(entry), `${hint}Write one of ${KEYS.join(', ')}.`);
        }
  },
};

const PROPAGATION = {
  incoming: option(incoming, {
    default: 'trust',
    see: 'sampling.md',
    env: {
      TELEMETRY_PROPAGATION_INCOMING: {
        kind: 'choice',
        choices: INCOMING_MODES,
        meaning:
          'Use of the trace context that callers send: `trust`, `link` or `ignore`, for all listeners.',
      },
    },
  }),
  baggageFields: option(listOf(text('a key of baggage'), 'keys of baggage'), {
    see: 'logging.md#wide-events',
    env: {
      TELEMETRY_BAGGAGE_FIELDS: {
        kind: 'text',
        meaning:
          'Keys of baggage, separated by commas, that become attributes of spans and fields of log lines.',
        means: (keys: string) =>
          keys
            .split(',')
            .map((key) => key.trim())
            .filter((key) => key !== ''),
      },
    },
  }),
} satisfies OptionsOf<PropagationOptions>;

export const PROPAGATION_SECTION = {
  propagators: option(
    listOf(
      either(
        isRecord,
        having(['inject', 'extract', 'fields'], 'a propagator by name or an instance'),
        oneOf(PROPAGATOR_NAMES),
      ),
      'propagator names or instances',
    ),
    {
      default: ['tracecontext', 'baggage'],
      env: {
        OTEL_PROPAGATORS: {
          kind: 'list',
          choices: [...PROPAGATOR_NAMES, 'none'],
          meaning: 'Formats of the trace context in headers.',
          otherwise: '`tracecontext,baggage`',
        },
      },
    },
  ),
  propagation: shape(PROPAGATION, 'an object of propagation options'),
} satisfies OptionsOf<PropagationSection>;

type PropagationValues = ValuesIn<typeof PROPAGATION> & ValuesIn<typeof PROPAGATION_SECTION>;

/** Decides how trace context crosses processes. */
export function resolvePropagation(
  { propagators, propagation }: PropagationSection,
  env: PropagationValues,
): PropagationConfig {
  return {
    propagators: frozenList(decide(PROPAGATION_SECTION.propagators, propagators, env)),
    propagation: Object.freeze({
      incoming: resolveIncoming(propagation?.incoming, env.TELEMETRY_PROPAGATION_INCOMING),
      baggageFields: frozenList(
        decide<readonly string[], object>(PROPAGATION.baggageFields, propagation?.baggageFields, env),
      ),
    }),
  };
}

function resolveIncoming(
  incoming: PropagationOptions['incoming'],
  fromEnvironment: IncomingMode | undefined,
): IncomingConfig {
  const given: IncomingPolicies =
    typeof incoming === 'object' ? incoming : incoming === undefined ? {} : { default: incoming };
  const otherwise = given.default ?? fromEnvironment ?? PROPAGATION.incoming.default;
  const policies = [
    ...ENTRY_POINTS.map((name) => [name, given[name] ?? otherwise]),
    ...TRANSPORTS.map((name) => [name, given[name] ?? given.microservices ?? otherwise]),
  ];
  return Object.freeze(Object.fromEntries(policies)) as IncomingConfig; // every listener has one
}
