import { type Context, context as contextApi } from '@opentelemetry/api';
import { type Logger, type LoggerOptions } from 'pino';

import { copyBounded, fitsBounds, textOf } from '../engine/copy-bounded.js';
import { serializeError } from '../engine/describe-error.js';
import { isError } from '../errors/telemetry.error.js';
import { warnOnce } from '../errors/warnings.js';
import { otelContextOf, OWN_KEYS, SPAN_FIELDS, spanContextOf } from './log-entry.js';
import { loggingState } from './logging-state.js';
import { redactFields } from './pino-safety.js';

type MixinFn = NonNullable<LoggerOptions['mixin']>;
type MixinMergeStrategyFn = NonNullable<LoggerOptions['mixinMergeStrategy']>;

/** Fields of one line. */
const MAX_FIELDS = 1_000;

/**
 * A pino mixin that adds the fields of the active span, and nothing outside of a span, to what the
 * application's own mixin adds.
 *
 * @param fallback its span is taken where none is active
 */
export function createMixin(ownMixin: MixinFn | undefined, fallback?: Context): MixinFn {
  return (mergeObject, level, logger) => {
    const fields: Record<string, unknown> = ownMixin
      ? callOwnMixin(ownMixin, mergeObject, level, logger)
      : {};
    const spanContext =
      spanContextOf(otelContextOf(mergeObject)) ??
      (fallback === undefined ? undefined : spanContextOf(fallback));
    if (spanContext !== undefined) for (const { key, read } of SPAN_FIELDS) fields[key] = read(spanContext);
    return fields;
  };
}

/** How pino names the symbol of a logger's mixin; each copy of pino has its own symbol. */
const PINO_MIXIN = 'pino.mixin';

/** A pino logger of the application or its framework, whose lines carry the ids of spans. */
export interface CorrelatedLogger {
  /**
   * Gives lines of `child` that are written outside of any span the ids of the span that is active
   * now: Fastify writes "request completed" when the context of the request is gone.
   */
  bindChild(child: unknown): void;
  undo(): void;
}

/**
 * Adds the ids of the active span to the lines of a pino logger that the application or its
 * framework made, and of its children. Returns undefined for a logger that is not pino's, and for
 * ours, which has them already.
 */
export function correlateLogger(logger: unknown): CorrelatedLogger | undefined {
  const key = mixinKeyOf(logger);
  if (key === undefined) return undefined;
  // pino keeps the option there, undefined where there is none, and reads it for each line.
  const target = logger as Record<symbol, MixinFn | undefined>;
  const isInherited = !Object.hasOwn(target, key);
  const own = target[key];
  const mixin = createMixin(own);
  target[key] = mixin;
  let active = true;
  return {
    bindChild: (child) => {
      if (active && typeof child === 'object' && child !== null)
        (child as Record<symbol, MixinFn>)[key] = createMixin(own, contextApi.active());
    },
    undo: () => {
      active = false;
      if (target[key] !== mixin) return;
      if (isInherited) Reflect.deleteProperty(target, key);
      else target[key] = own;
    },
  };
}

/** A child of a pino logger inherits from it. */
function mixinKeyOf(logger: unknown): symbol | undefined {
  let key: symbol | undefined;
  for (
    let link: unknown = logger;
    typeof link === 'object' && link !== null;
    link = Object.getPrototypeOf(link)
  ) {
    if (loggingState().ours.has(link)) return undefined;
    key ??= Object.getOwnPropertySymbols(link).find(({ description }) => description === PINO_MIXIN);
  }
  return key;
}

/**
 * How extras and mixin become one object: extras win, errors under any key are written out (JSON
 * would make `{}` of them), and an extra called `level`, `time` or `service` is written as
 * `extra_level`, …. What is large, circular or not JSON becomes a bounded copy.
 *
 * @param serialized keys that have a serializer, which gets their values as they are
 */
export function createMergeStrategy(
  ownStrategy: MixinMergeStrategyFn | undefined,
  errorKey: string,
  serialized: ReadonlySet<string> = new Set(),
): MixinMergeStrategyFn {
  return (mergeObject, mixinObject) => {
    const merged = (ownStrategy?.(mergeObject, mixinObject) ??
      Object.assign(mixinObject, mergeObject)) as Record<string, unknown>;
    // The application's strategy may hand back the caller's own object, which is not ours to
    // change.
    const fields = merged === mergeObject ? { ...merged } : merged;
    for (const key of OWN_KEYS) {
      if (fields[key] === undefined) continue;
      fields[`extra_${key}`] = fields[key];
      fields[key] = undefined;
    }
    let left = MAX_FIELDS;
    for (const key in fields) {
      left -= 1;
      if (left < 0) return firstOf(fields);
      const value = fields[key];
      if (typeof value === 'bigint' || typeof value === 'symbol') fields[key] = textOf(value);
      else if (typeof value !== 'object' || value === null || serialized.has(key)) continue;
      else if (isError(value)) fields[key] = serializeError(value);
      else if (!fitsBounds(value)) fields[key] = copyBounded(value);
    }
    return redactFields(fields);
  };
}

/** The first fields of very many, and how many there were. */
function firstOf(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { length } = Object.keys(fields);
  return {
    ...(copyBounded(fields, { entries: MAX_FIELDS }) as Record<string, unknown>),
    fields_count: length,
  };
}

function callOwnMixin(
  mixin: MixinFn,
  mergeObject: object,
  level: number,
  logger: Logger,
): Record<string, unknown> {
  try {
    return { ...mixin(mergeObject, level, logger) };
  } catch (error) {
    warnOnce(
      'logging:mixin',
      `The mixin in \`logging.pino\` threw: ${String(error)}. Its fields are missing.`,
    );
    return {};
  }
}
