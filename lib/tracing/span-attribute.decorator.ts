import { types } from 'node:util';

import { type Attributes } from '@opentelemetry/api';

import { copyBounded, dropPromise, fitsBounds, textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { processWide } from '../process/process-wide.js';

/** What a span takes as the value of an attribute; undefined leaves the attribute out. */
export type SpanAttributeValue = Attributes[string];

/** Turns an argument into an attribute value. */
export type SpanAttributeMapper<T> = (argument: T) => SpanAttributeValue;

interface SpanAttributeParameter {
  readonly index: number;
  readonly name: string;
  readonly map: SpanAttributeMapper<unknown>;
}

/** Parameters to copy, by prototype and method; shared by all copies of this package. */
type ParametersByMethod = Map<string | symbol, SpanAttributeParameter[]>;

const parametersByTarget = processWide(
  'span-attribute-parameters',
  () => new WeakMap<object, ParametersByMethod>(),
);

/** Names of methods that have such a parameter in some class; for all others no object need be searched. */
const methodsWithParameters = processWide('span-attribute-methods', () => new Set<string | symbol>());

/**
 * Copies an argument of a traced method onto its span. Strings, numbers, booleans and arrays of them are taken as they
 * are, anything else as JSON; `map` picks what matters of an object.
 *
 * @example
 * @Trace()
 * async process(@SpanAttribute('order.id') id: string, @SpanAttribute('shop.id', (shop: Shop) => shop.id) shop: Shop) {}
 */
export function SpanAttribute<T = unknown>(name: string, map?: SpanAttributeMapper<T>): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) return;
    const byMethod: ParametersByMethod =
      parametersByTarget.get(target) ?? new Map<string | symbol, SpanAttributeParameter[]>();
    parametersByTarget.set(target, byMethod);
    const parameters = byMethod.get(key) ?? [];
    byMethod.set(key, parameters);
    methodsWithParameters.add(key);
    parameters.push({ index, name, map: (map ?? toAttributeValue) as SpanAttributeMapper<unknown> });
  };
}

/** Reads the decorated arguments of one call, or undefined when the method has none. */
export function readSpanAttributes(
  parameters: readonly SpanAttributeParameter[] | undefined,
  args: readonly unknown[],
): Attributes | undefined {
  if (parameters === undefined) return undefined;
  const attributes: Attributes = {};
  for (const { index, name, map } of parameters) {
    const value = args[index] === undefined ? undefined : mapSafely(map, args[index], name);
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

/** One mapper that throws leaves the attributes of the other parameters alone. */
function mapSafely(map: SpanAttributeMapper<unknown>, argument: unknown, name: string): SpanAttributeValue {
  try {
    const value = map(argument);
    if (!dropPromise(value)) return value;
    throw new TypeError('it must not be async');
  } catch (error) {
    warnOnce(
      `trace-parameter:${name}`,
      `The attribute of @SpanAttribute('${name}') is left out, its mapper failed: ${textOf(error)}`,
    );
    return undefined;
  }
}

/** The `@SpanAttribute()` parameters of a method, looked up along the prototype chain of its object. */
export function findSpanAttributeParameters(
  owner: unknown,
  method: string,
): readonly SpanAttributeParameter[] | undefined {
  if (!methodsWithParameters.has(method)) return undefined;
  const start = typeof owner === 'function' || (typeof owner === 'object' && owner !== null) ? owner : null;
  for (
    let level: object | null = start;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    const parameters = parametersByTarget.get(level)?.get(method);
    if (parameters !== undefined) return parameters;
  }
  return undefined;
}

function toAttributeValue(argument: unknown): SpanAttributeValue {
  switch (typeof argument) {
    case 'string':
    case 'number':
    case 'boolean':
      return argument;
    case 'bigint':
    case 'symbol':
      return textOf(argument);
    case 'object':
      return argument === null ? undefined : serialise(argument);
    default:
      return undefined;
  }
}

function serialise(argument: object): SpanAttributeValue {
  const fits = fitsBounds(argument);
  if (fits && Array.isArray(argument) && argument.every((item) => typeof item === 'string')) return argument;
  const copy = fits && !types.isDate(argument) ? argument : copyBounded(argument, JSON_LIMITS);
  return typeof copy === 'string' ? copy : JSON.stringify(copy);
}

const JSON_LIMITS = { total: 32_768 };
