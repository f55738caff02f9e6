import { dropPromise, textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { type AnyMethod, wrapMethod } from '../invocation/wrap-method.js';
import { processWide } from '../process/process-wide.js';
import { annotate } from './annotate.js';

interface AnnotatedParameter {
  readonly index: number;
  /** undefined: the argument is an object of fields. */
  readonly name: string | undefined;
  readonly map: ((argument: never) => unknown) | undefined;
}

/** Parameters by prototype and method; shared by all copies of this package. */
const parametersByTarget = processWide(
  'annotated-parameters',
  () => new WeakMap<object, Map<string | symbol, AnnotatedParameter[]>>(),
);

const ANNOTATED_METHOD = Symbol.for('nestjs-telemetry.annotated-method');

/**
 * Puts an argument of a handler, or of any other method, on the span of the request and on its line, as `annotate()` does.
 *
 * @param name key of the field; without one the argument is an object of fields
 * @param map picks what matters of the argument; must not be async
 *
 * @example
 * @Post(':id')
 * create(@Annotate('order.id') @Param('id') id: string, @Annotate('items', (order: Order) => order.items.length) @Body() order: Order) {}
 */
export function Annotate<T = never>(name?: string, map?: (argument: T) => unknown): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) return;
    const byMethod = parametersByTarget.get(target) ?? new Map<string | symbol, AnnotatedParameter[]>();
    parametersByTarget.set(target, byMethod);
    const parameters = byMethod.get(key) ?? [];
    byMethod.set(key, parameters);
    parameters.push({ index, name, map });
    if (parameters.length > 1) return;
    // The compiler defines the method again once all its decorators have run, and before any microtask.
    queueMicrotask(() => {
      wrapAnnotated(target, key, parameters);
    });
  };
}

function wrapAnnotated(
  target: object,
  key: string | symbol,
  parameters: readonly AnnotatedParameter[],
): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  const method: unknown = descriptor?.value;
  if (descriptor?.configurable !== true || typeof method !== 'function') return;
  const value = wrapMethod(
    method as AnyMethod,
    (original) =>
      function (...args) {
        for (const parameter of parameters) annotateArgument(parameter, args[parameter.index]);
        return original.apply(this, args);
      },
    ANNOTATED_METHOD,
  );
  Object.defineProperty(target, key, { ...descriptor, value });
}

function annotateArgument({ name, map }: AnnotatedParameter, argument: unknown): void {
  if (argument === undefined) return;
  try {
    // The type of the argument is the caller's word.
    const value = map === undefined ? argument : map(argument as never);
    if (dropPromise(value)) throw new TypeError('it must not be async');
    if (name !== undefined) annotate({ [name]: value });
    else if (typeof value === 'object' && value !== null) annotate(value as Record<string, unknown>);
  } catch (error) {
    const shown = name === undefined ? '' : `'${name}'`;
    warnOnce(
      `annotate-parameter:${name ?? ''}`,
      `The fields of @Annotate(${shown}) are left out, its mapper failed: ${textOf(error)}`,
    );
  }
}
