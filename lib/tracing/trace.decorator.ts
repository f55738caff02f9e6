import { type Attributes, context, type Link, type SpanKind } from '@opentelemetry/api';

import { ATTR_CODE_FUNCTION_NAME } from '../config/semantic-conventions.constants.js';
import { isPlainRecord, toAttributes } from '../engine/attribute-value.js';
import { dropPromise, textOf } from '../engine/copy-bounded.js';
import { spanNameOf } from '../engine/recorded-span.js';
import { warnOnce } from '../errors/warnings.js';
import {
  decorateMethodOrClass,
  type DecorationSite,
  type MethodOrClassDecorator,
} from '../invocation/decorate-method-or-class.js';
import type { AnyMethod } from '../invocation/wrap-method.js';
import { processWide } from '../process/process-wide.js';
import { shouldStartSpan, tracerFor } from '../runtime/tracers.js';
import type { ErrorPredicate } from './error-policy.js';
import { type RunInSpanOptions, SpanCall } from './run-in-span.js';
import { findSpanAttributeParameters, readSpanAttributes } from './span-attribute.decorator.js';

/** Options of `@Trace()`. */
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

/** Set on every method that `@Trace()` wraps, so that no other wrapper starts a second span for a call. */
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
  const options = readTraceOptions(nameOrOptions);
  return decorateMethodOrClass({
    name: '@Trace()',
    marker: TRACED_METHOD,
    wrap: (original, site) => wrapInSpan(original, site, options),
  });
}

/** Makes the method that runs `original` in its own span, as `@Trace()` and `@Observed()` do. */
export function wrapInSpan(original: AnyMethod, site: DecorationSite, options: TraceOptions): AnyMethod {
  rememberTracedMethod(original, site);
  const name = options.name === undefined ? undefined : spanNameOf(options.name);
  const nameOf = (className: string): string => {
    if (site.writtenOn === 'class') return `${name ?? className}.${site.methodName}`;
    return name ?? `${className}.${site.methodName}`;
  };
  // The class is nearly always the same, and one text needs no second look.
  let lastClass: string | undefined;
  let lastName = '';
  const fixed = sameForAllCalls(options);
  return function (...args) {
    const caller = context.active();
    if (!shouldStartSpan(options, caller)) return original.apply(this, args);
    const className = classNameOf(site, this);
    if (className !== lastClass) {
      lastClass = className;
      lastName = nameOf(className);
    }
    const description =
      fixed !== undefined && !hasSpanAttributes(this, site.methodName)
        ? fixed
        : describeCall(options, this, className, site.methodName, args);
    const call = new SpanCall(tracerFor(className), lastName, description, caller);
    let result: unknown;
    try {
      result = call.enter() ? original.apply(this, args) : call.run(() => original.apply(this, args));
    } catch (error) {
      throw call.threw(error);
    }
    return call.returned(result);
  };
}

/** A copy of the options, made once: a getter that throws is reported when the class is loaded, not at each call. */
export function readTraceOptions(given: unknown): TraceOptions {
  if (typeof given === 'string') return { name: given };
  if (typeof given !== 'object' || given === null) return {};
  return shield('@Trace()', () => ({ ...(given as TraceOptions) })) ?? {};
}

/** A standard decorator learns the class from `this`, which may be anything. */
function classNameOf(site: DecorationSite, self: unknown): string {
  try {
    return site.className(self);
  } catch {
    return site.ownerName ?? 'anonymous';
  }
}

/** The span options of all calls; undefined where they depend on the call. */
function sameForAllCalls({
  name,
  attributes,
  links,
  kind,
  root,
  isError,
}: TraceOptions): RunInSpanOptions | undefined {
  if (name !== undefined || attributes !== undefined || links !== undefined) return undefined;
  return { isError, ...(kind !== undefined && { kind }), ...(root !== undefined && { root }) };
}

function hasSpanAttributes(owner: unknown, method: string): boolean {
  return shield(method, () => findSpanAttributeParameters(owner, method)) !== undefined;
}

function describeCall(
  options: TraceOptions,
  owner: unknown,
  className: string,
  method: string,
  args: unknown[],
): RunInSpanOptions {
  const { kind, root, isError } = options;
  const call: RunInSpanOptions = { isError };
  if (kind !== undefined) call.kind = kind;
  if (root !== undefined) call.root = root;
  const marked = shield(method, () => readSpanAttributes(findSpanAttributeParameters(owner, method), args));
  const given = shield(method, () => copyOf(evaluate(options.attributes, args)));
  const attributes = marked === undefined ? given : shield(method, () => ({ ...given, ...marked }));
  if (attributes !== undefined) call.attributes = attributes;
  const links = shield(method, () => evaluate(options.links, args));
  if (links !== undefined) call.links = links;
  // With its own name the span needs another place for the name of the method.
  if (options.name !== undefined)
    call.attributes = { [ATTR_CODE_FUNCTION_NAME]: `${className}.${method}`, ...attributes };
  return call;
}

/** Attributes that can be spread: a getter under a symbol would throw there. */
function copyOf(attributes: Attributes | undefined): Attributes | undefined {
  if (attributes === undefined) return undefined;
  return isPlainRecord(attributes) ? { ...attributes } : toAttributes(attributes, 'a span');
}

function evaluate<T extends object>(
  setting: T | ((...args: never[]) => T) | undefined,
  args: unknown[],
): T | undefined {
  if (typeof setting !== 'function') return setting;
  const made = (setting as (...values: unknown[]) => T)(...args);
  if (dropPromise(made)) throw new TypeError('it must not be async');
  return made;
}

/** Runs a function of the application that describes a call; one that throws must not fail the call. */
function shield<T>(method: string, describe: () => T): T | undefined {
  try {
    return describe();
  } catch (error) {
    warnOnce(
      `trace-description:${method}`,
      `An attribute of the span around ${method}() could not be made and is left out: ${textOf(error)}. ` +
        'Check the attributes, links or @SpanAttribute() mapper of its @Trace().',
    );
    return undefined;
  }
}

/** A traced method and the name of its spans. */
interface NamedMethod {
  /** `OrderService.process`. */
  readonly name: string;
  /** As it was decorated; other decorators may stand below. */
  readonly method: AnyMethod;
}

/** Upper limit, because classes may be made at run time, again and again. */
const MAX_METHODS = 5_000;

interface Remembered {
  readonly name: string;
  /** Weak, so that an unused class can be collected. */
  readonly method: WeakRef<AnyMethod>;
}

const remembered = processWide('traced-methods', (): { readonly methods: Remembered[] } => ({ methods: [] }));

/** Remembers a method that `@Trace()` decorates, where its class is known already. */
function rememberTracedMethod(method: AnyMethod, { ownerName, methodName }: DecorationSite): void {
  const { methods } = remembered;
  if (ownerName === undefined || methods.length >= MAX_METHODS) return;
  methods.push({ name: `${ownerName}.${methodName}`, method: new WeakRef(method) });
}

/** Every method that `@Trace()` decorates, also of classes that no container knows. */
export function* tracedMethods(): Generator<NamedMethod> {
  for (const { name, method: reference } of remembered.methods) {
    const method = reference.deref();
    if (method !== undefined) yield { name, method };
  }
}
