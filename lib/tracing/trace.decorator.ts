import { type Attributes, context, type Link, type SpanKind } from '@opentelemetry/api';

import { ATTR_CODE_FUNCTION_NAME } from '../config/semantic-conventions.constants.js';
import { warnOnce } from '../errors/warnings.js';
import {
  decorateMethodOrClass,
  type MethodOrClassDecorator,
} from '../invocation/decorate-method-or-class.js';
import { type DecorationSite } from '../invocation/decoration-site.js';
import { type AnyMethod } from '../invocation/wrap-method.js';
import { opensSpan } from '../runtime/opens-span.js';
import { tracerFor } from '../runtime/tracers.js';
import { type ErrorPredicate } from './error-policy.js';
import { runInNewSpan, type RunInSpanOptions } from './run-in-span.js';
import { findSpanAttributeParameters, readSpanAttributes } from './span-attribute.decorator.js';
import { rememberTracedMethod } from './traced-methods.js';

/** What `@Trace()` can be told. */
export interface TraceOptions {
  /** Name of the span. Default `<class>.<method>`; on a class, a name given here stands for the class. */
  name?: string;
  /** Default `SpanKind.INTERNAL`. */
  kind?: SpanKind;
  /** Attributes of the span, fixed or made from the arguments of the call. Default none. */
  attributes?: Attributes | ((...args: never[]) => Attributes);
  /** Spans of other traces this one belongs with, fixed or made from the arguments of the call. Default none. */
  links?: Link[] | ((...args: never[]) => Link[]);
  /** Start a new trace instead of a child span. Default false. */
  root?: boolean;
  /** Decides whether what was thrown marks the span. Default: any throw but an `HttpException` below 500. */
  isError?: ErrorPredicate;
}

/** Carried by every method `@Trace()` wraps, so that nothing else opens a second span for the same call. */
export const TRACED_METHOD = Symbol.for('nestjs-telemetry.traced-method');

/**
 * Opens a span around each call of a method, or around each method of a class. The tracer is named after the class.
 * Arguments marked with `@SpanAttribute()` become attributes.
 *
 * @example
 * @Trace()
 * async process(@SpanAttribute('order.id') id: string) {} // span "OrderService.process"
 *
 * @Trace({ name: 'charge', kind: SpanKind.CLIENT, attributes: (order: Order) => ({ 'order.total': order.total }) })
 * charge(order: Order) {}
 *
 * @throws TelemetryError `TELEMETRY_INVALID_DECORATOR` on anything but a method or a class
 */
export function Trace(nameOrOptions: string | TraceOptions = {}): MethodOrClassDecorator {
  const options = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : nameOrOptions;
  return decorateMethodOrClass({
    name: '@Trace()',
    marker: TRACED_METHOD,
    wrap: (original, site) => wrapInSpan(original, site, options),
  });
}

/** Makes the method that runs `original` in a span of its own, as `@Trace()` and `@Observed()` do. */
export function wrapInSpan(original: AnyMethod, site: DecorationSite, options: TraceOptions): AnyMethod {
  rememberTracedMethod(original, site);
  const nameOf = (className: string): string => {
    if (site.writtenOn === 'class') return `${options.name ?? className}.${site.methodName}`;
    return options.name ?? `${className}.${site.methodName}`;
  };
  return function (...args) {
    const caller = context.active();
    if (!opensSpan(options, caller)) return original.apply(this, args);
    const className = site.className(this);
    const call = describeCall(options, this, site.methodName, args);
    // A span of another name would not tell which method it is about.
    if (options.name !== undefined)
      call.attributes = { [ATTR_CODE_FUNCTION_NAME]: `${className}.${site.methodName}`, ...call.attributes };
    return runInNewSpan(tracerFor(className), nameOf(className), call, caller, () =>
      original.apply(this, args),
    );
  };
}

function describeCall(
  options: TraceOptions,
  owner: unknown,
  method: string,
  args: unknown[],
): RunInSpanOptions {
  const { kind, root, isError } = options;
  const call: RunInSpanOptions = { isError };
  if (kind !== undefined) call.kind = kind;
  if (root !== undefined) call.root = root;
  const marked = readMarkedArguments(owner, method, args);
  const given = evaluate(options.attributes, args, method);
  if (marked !== undefined || given !== undefined) call.attributes = { ...given, ...marked };
  const links = evaluate(options.links, args, method);
  if (links !== undefined) call.links = links;
  return call;
}

function readMarkedArguments(owner: unknown, method: string, args: unknown[]): Attributes | undefined {
  const parameters = findSpanAttributeParameters(owner, method);
  return parameters === undefined ? undefined : shield(method, () => readSpanAttributes(parameters, args));
}

function evaluate<T extends object>(
  setting: T | ((...args: never[]) => T) | undefined,
  args: unknown[],
  method: string,
): T | undefined {
  if (typeof setting !== 'function') return setting;
  const make = setting as (...values: unknown[]) => T;
  return shield(method, () => make(...args));
}

/** What describes a call must not be able to fail it. */
function shield<T>(method: string, describe: () => T): T | undefined {
  try {
    return describe();
  } catch (error) {
    warnOnce(
      `trace-description:${method}`,
      `An attribute of the span around ${method}() could not be made and is left out: ${String(error)}. ` +
        'Check the attributes, links or @SpanAttribute() mapper of its @Trace().',
    );
    return undefined;
  }
}
