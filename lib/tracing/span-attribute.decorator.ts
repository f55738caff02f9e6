import { type Attributes, type AttributeValue } from '@opentelemetry/api';

/** Turns an argument into an attribute value; undefined leaves the attribute out. */
export type SpanAttributeMapper<T> = (argument: T) => AttributeValue | undefined;

interface SpanAttributeParameter {
  readonly index: number;
  readonly name: string;
  readonly map: SpanAttributeMapper<unknown>;
}

/** Parameters to copy, by prototype and method; shared by all copies of this package. */
const PARAMETERS_KEY = Symbol.for('nestjs-telemetry.span-attribute-parameters');
type ParametersByMethod = Map<string | symbol, SpanAttributeParameter[]>;

function parametersByTarget(): WeakMap<object, ParametersByMethod> {
  const holder = globalThis as { [PARAMETERS_KEY]?: WeakMap<object, ParametersByMethod> };
  return (holder[PARAMETERS_KEY] ??= new WeakMap());
}

/**
 * Copies an argument of a traced method onto its span. Strings, numbers, booleans and arrays of them are taken as they
 * are, anything else as JSON; `map` picks what matters of an object.
 *
 * @example
 * @Trace()
 * async process(@SpanAttribute('order.id') id: string, @SpanAttribute('user.id', (user: User) => user.id) user: User) {}
 */
export function SpanAttribute<T = unknown>(name: string, map?: SpanAttributeMapper<T>): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) return;
    const byTarget = parametersByTarget();
    const byMethod: ParametersByMethod =
      byTarget.get(target) ?? new Map<string | symbol, SpanAttributeParameter[]>();
    byTarget.set(target, byMethod);
    const parameters = byMethod.get(key) ?? [];
    byMethod.set(key, parameters);
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
    const value = args[index] === undefined ? undefined : map(args[index]);
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

/** The `@SpanAttribute()` parameters of a method, looked up along the prototype chain of its object. */
export function findSpanAttributeParameters(
  owner: unknown,
  method: string,
): readonly SpanAttributeParameter[] | undefined {
  const byTarget = parametersByTarget();
  const start = typeof owner === 'function' || (typeof owner === 'object' && owner !== null) ? owner : null;
  for (
    let level: object | null = start;
    level !== null;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    const parameters = byTarget.get(level)?.get(method);
    if (parameters !== undefined) return parameters;
  }
  return undefined;
}

function toAttributeValue(argument: unknown): AttributeValue | undefined {
  switch (typeof argument) {
    case 'string':
    case 'number':
    case 'boolean':
      return argument;
    case 'bigint':
      return argument.toString();
    case 'object':
      return argument === null ? undefined : serialise(argument);
    default:
      return undefined;
  }
}

function serialise(argument: object): AttributeValue | undefined {
  if (Array.isArray(argument) && argument.every((item) => typeof item === 'string')) return argument;
  if (argument instanceof Date) return argument.toISOString();
  try {
    return JSON.stringify(argument);
  } catch {
    // Circular or holding a BigInt: an attribute is not worth failing the call it describes.
    return undefined;
  }
}
