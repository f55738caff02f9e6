import {
  type OptionRule,
  type RulesOf,
  isRecord,
  oneOf,
  renderReceived,
  shape,
  suggestName,
} from './option-rules.js';

/**
 * What becomes of the trace context that a caller sends. `trust`: its span is the parent, its sampling decision holds, its
 * baggage is read. `link`: a new trace with a span link to it, sampled here, without its baggage. `ignore`: a new trace.
 */
export type IncomingMode = (typeof INCOMING_MODES)[number];

/** The modes of `propagation.incoming`. */
export const INCOMING_MODES = ['trust', 'link', 'ignore'] as const;

const LISTENERS = [
  'http',
  'websocket',
  'graphql',
  'bullmq',
  'tcp',
  'redis',
  'nats',
  'mqtt',
  'grpc',
  'rabbitmq',
  'kafka',
  'custom',
] as const;

/** Where a call comes in; the names of transports are those of microservices. */
export type IncomingListener = (typeof LISTENERS)[number];

/** What a function decides about. */
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

/** How the trace context that callers send is used; `propagators` says in which headers it comes. */
export interface PropagationOptions {
  /** Default `trust`, as W3C Trace Context has it. Env `TELEMETRY_PROPAGATION_INCOMING`, a mode for all listeners. */
  incoming?: IncomingPolicy | IncomingPolicies;
}

/** The policy of each listener. */
export type IncomingConfig = Readonly<Record<IncomingListener, IncomingPolicy>>;

const KEYS: readonly string[] = ['default', 'microservices', ...LISTENERS];
const NO_TRANSPORTS: readonly IncomingListener[] = ['http', 'websocket', 'graphql', 'bullmq'];

const policy: OptionRule = {
  check: (value, name, report) => {
    if (typeof value !== 'function') oneOf(INCOMING_MODES).check(value, name, report);
  },
};

const propagationRules: RulesOf<PropagationOptions> = {
  incoming: {
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
  },
};

export const PROPAGATION_RULE = shape(propagationRules, 'an object of propagation options');

export function resolveIncoming(
  incoming: PropagationOptions['incoming'],
  fromEnvironment: IncomingMode | undefined,
): IncomingConfig {
  const given: IncomingPolicies =
    typeof incoming === 'object' ? incoming : incoming === undefined ? {} : { default: incoming };
  const otherwise = given.default ?? fromEnvironment ?? 'trust';
  const transports = given.microservices ?? otherwise;
  return Object.freeze(
    Object.fromEntries(
      LISTENERS.map((listener) => [
        listener,
        given[listener] ?? (NO_TRANSPORTS.includes(listener) ? otherwise : transports),
      ]),
    ),
  ) as IncomingConfig;
}
