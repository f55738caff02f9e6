import { type Logger, type LoggerOptions } from 'pino';

import { isError } from '../errors/is-error.js';
import { warnOnce } from '../errors/warnings.js';
import { lineContext, spanContextOf, TRACE_FLAGS } from './line-context.js';
import { serializeError } from './serialize-error.js';

type MixinFn = NonNullable<LoggerOptions['mixin']>;
type MixinMergeStrategyFn = NonNullable<LoggerOptions['mixinMergeStrategy']>;

/** Written by the logger itself; an extra of that name would make the line say something false. */
const RESERVED = ['level', 'time', 'service'] as const;

/**
 * A pino mixin that adds `trace_id`, `span_id` and `trace_flags` of the active span, and nothing outside a span, to
 * what the application's own mixin adds.
 */
export function createMixin(ownMixin: MixinFn | undefined): MixinFn {
  return (mergeObject, level, logger) => {
    const fields: Record<string, unknown> = ownMixin
      ? callOwnMixin(ownMixin, mergeObject, level, logger)
      : {};
    const spanContext = spanContextOf(lineContext());
    if (spanContext !== undefined) {
      fields.trace_id = spanContext.traceId;
      fields.span_id = spanContext.spanId;
      fields.trace_flags = TRACE_FLAGS[spanContext.traceFlags & 0xff];
    }
    return fields;
  };
}

/**
 * How extras and mixin become one object: extras win, errors under any key are written out (JSON would make `{}` of
 * them), and an extra called `level`, `time` or `service` is written as `extra_level`, ….
 */
export function createMergeStrategy(
  ownStrategy: MixinMergeStrategyFn | undefined,
  errorKey: string,
): MixinMergeStrategyFn {
  return (mergeObject, mixinObject) => {
    const merged = (ownStrategy?.(mergeObject, mixinObject) ??
      Object.assign(mixinObject, mergeObject)) as Record<string, unknown>;
    // The application's strategy may hand back the caller's own object, which is not ours to change.
    const fields = merged === mergeObject ? { ...merged } : merged;
    for (const key of RESERVED) {
      if (fields[key] === undefined) continue;
      fields[`extra_${key}`] = fields[key];
      fields[key] = undefined;
    }
    for (const key in fields) {
      if (key !== errorKey && key !== 'err' && isError(fields[key]))
        fields[key] = serializeError(fields[key]);
    }
    return fields;
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
