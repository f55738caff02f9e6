import { type Context, context as contextApi } from '@opentelemetry/api';
import { type LoggerOptions } from 'pino';

import { type ReadBaggage } from '../engine/baggage-fields.js';
import { copyBounded, fitsBounds, textOf } from '../engine/copy-bounded.js';
import { serializeError } from '../engine/describe-error.js';
import { isError } from '../errors/telemetry.error.js';
import { warnOnce } from '../errors/warnings.js';
import { isReservedKey, otelContextOf, OWN_KEYS, SPAN_FIELDS, spanContextOf } from './log-entry.js';
import { isOurs, withParents } from './logging-state.js';
import { redactFields } from './pino-safety.js';

type MixinFn = NonNullable<LoggerOptions['mixin']>;
type MixinMergeStrategyFn = NonNullable<LoggerOptions['mixinMergeStrategy']>;

/** Fields of one line. */
const MAX_FIELDS = 1_000;

/**
 * A pino mixin that adds the fields of the active span to those of the application's mixin.
 *
 * @param options `fallback`: its span is taken where none is active; `readBaggage`: fields of the
 *   context, which those of the application's mixin replace
 */
export function createMixin(
  ownMixin: MixinFn | undefined,
  {
    fallback,
    readBaggage,
  }: { readonly fallback?: Context; readonly readBaggage?: ReadBaggage | undefined } = {},
): MixinFn {
  return (mergeObject, level, logger) => {
    const own = ownMixin ? callOwnMixin(ownMixin, mergeObject, level, logger) : {};
    const baggage = readBaggage?.(otelContextOf(mergeObject));
    const fields: Record<string, unknown> = baggage === undefined ? own : { ...named(baggage), ...own };
    const spanContext = spanContextOf(otelContextOf(mergeObject)) ?? (fallback && spanContextOf(fallback));
    if (spanContext !== undefined) for (const { key, read } of SPAN_FIELDS) fields[key] = read(spanContext);
    return fields;
  };
}

/** Fields of baggage under names that a line can have: `level` is `extra_level`. */
export function named(baggage: Readonly<Record<string, string>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(baggage))
    fields[isReservedKey(key) ? `extra_${key}` : key] = value;
  return fields;
}

/** How pino names the symbol of a logger's mixin; each copy of pino has its own symbol. */
const PINO_MIXIN = 'pino.mixin';

/** A pino logger of the application or its framework, whose lines have the ids of spans. */
export interface CorrelatedLogger {
  /**
   * Gives lines that `child` writes outside of any span the ids of the span that is active now:
   * Fastify writes "request completed" when the context of the request is gone.
   */
  bindChild(child: unknown): void;
  undo(): void;
}

/**
 * Adds the ids of the active span to the lines of a pino logger of the application or its
 * framework, and of its children. Returns undefined for a logger that is not pino's, and for ours.
 */
export function correlateLogger(logger: unknown): CorrelatedLogger | undefined {
  const key = mixinKeyOf(logger);
  if (key === undefined) return undefined;
  // pino reads it for each line; undefined where the option is not set.
  const target = logger as Record<symbol, MixinFn | undefined>;
  const isInherited = !Object.hasOwn(target, key);
  const own = target[key];
  const mixin = createMixin(own);
  target[key] = mixin;
  let active = true;
  return {
    bindChild: (child) => {
      if (active && typeof child === 'object' && child !== null)
        (child as Record<symbol, MixinFn>)[key] = createMixin(own, { fallback: contextApi.active() });
    },
    undo: () => {
      active = false;
      if (target[key] !== mixin) return;
      if (isInherited) Reflect.deleteProperty(target, key);
      else target[key] = own;
    },
  };
}

function mixinKeyOf(logger: unknown): symbol | undefined {
  if (isOurs(logger)) return undefined;
  for (const link of withParents(logger)) {
    const key = Object.getOwnPropertySymbols(link).find(({ description }) => description === PINO_MIXIN);
    if (key !== undefined) return key;
  }
  return undefined;
}

/**
 * Merges extras and mixin: extras win, errors under any key are written out (JSON would make `{}`
 * of them), and an extra called `level`, `time` or `service` becomes `extra_level`, …. A value that
 * is large, circular or not JSON becomes a bounded copy.
 *
 * @param serialized keys that have a serializer, which gets their values as they are
 */
export function createMergeStrategy(
  ownStrategy: MixinMergeStrategyFn | undefined,
  serialized: ReadonlySet<string>,
): MixinMergeStrategyFn {
  return (mergeObject, mixinObject) => {
    const merged = (ownStrategy?.(mergeObject, mixinObject) ??
      Object.assign(mixinObject, mergeObject)) as Record<string, unknown>;
    // The application's strategy may return the caller's object, which must not change.
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
  const first = copyBounded(fields, { entries: MAX_FIELDS }) as Record<string, unknown>;
  return { ...first, fields_count: Object.keys(fields).length };
}

function callOwnMixin(mixin: MixinFn, ...args: Parameters<MixinFn>): Record<string, unknown> {
  try {
    return { ...mixin(...args) };
  } catch (error) {
    warnOnce(
      'logging:mixin',
      `The mixin in \`logging.pino\` threw: ${String(error)}. Its fields are missing.`,
    );
    return {};
  }
}
