import {
  type Context,
  context,
  type ContextManagementToken,
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  type TextMapGetter,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';

import {
  INCOMING_MODES,
  type IncomingListener,
  type IncomingMode,
  type IncomingRequest,
} from '../config/propagation.js';
import { readSafely, textOf } from '../engine/copy-bounded.js';
import { withoutEndedTrace } from '../engine/lineage.js';
import { isContext } from '../engine/start-active.js';
import { warnOnce } from '../errors/warnings.js';
import { currentRuntime } from '../runtime/sdk-runtime.js';

/** Identity of the active span; undefined outside one, and where its trace ended more than a minute ago. */
function getCurrentSpanContext(): SpanContext | undefined {
  const spanContext = trace.getSpanContext(withoutEndedTrace(context.active()));
  return spanContext !== undefined && isSpanContextValid(spanContext) ? spanContext : undefined;
}

/**
 * Returns the id of the active trace, 32 hexadecimal digits as in `traceparent`; undefined outside a span.
 *
 * @example
 * response.setHeader('x-trace-id', getCurrentTraceId() ?? '');
 */
export function getCurrentTraceId(): string | undefined {
  return getCurrentSpanContext()?.traceId;
}

/** Returns the id of the active span, 16 hexadecimal digits; undefined outside a span. */
export function getCurrentSpanId(): string | undefined {
  return getCurrentSpanContext()?.spanId;
}

/** Characters of one header, and headers of one name. */
const MAX_HEADER = 16_384;
const MAX_VALUES = 64;

/** Headers that trace context is written to and read from: a plain object, `Headers`, or a `Map`. */
export type TraceContextCarrier = Headers | Map<string, string> | Record<string, unknown>;

/** The result of `attachTraceContext`, for `detachTraceContext`. */
export type TraceContextToken = ContextManagementToken;

const setter: TextMapSetter<TraceContextCarrier> = {
  set(carrier, key, value) {
    try {
      if (isKeyedCollection(carrier)) carrier.set(key, value);
      else carrier[key] = value;
    } catch (error) {
      warnOnce(
        'propagation:carrier',
        `Trace context could not be written to the headers that injectTraceContext() was given: ${textOf(error)}. ` +
          'Give it an object that is not frozen.',
      );
    }
  },
};

const getter: TextMapGetter<TraceContextCarrier> = {
  keys(carrier) {
    const keys = readSafely(() => (isKeyedCollection(carrier) ? [...carrier.keys()] : Object.keys(carrier)));
    return Array.isArray(keys) ? (keys as string[]) : [];
  },
  get(carrier, key) {
    try {
      if (isKeyedCollection(carrier)) return bounded(carrier.get(key) ?? undefined);
      return asHeaderValue(carrier[key] ?? carrier[spellingIn(carrier, key)]);
    } catch {
      // A getter or a proxy that throws: there is no such header.
      return undefined;
    }
  },
};

/**
 * Writes the active trace context into `carrier` and returns the same object; `traceparent` and `tracestate` by
 * default. Needed only for transports without instrumentation: `fetch` does this by itself.
 *
 * @example
 * const headers = injectTraceContext({ 'content-type': 'application/json' });
 */
export function injectTraceContext<C extends TraceContextCarrier>(
  carrier: C,
  from: Context = context.active(),
): C {
  if (typeof carrier !== 'object' || (carrier as unknown) === null) {
    warnCarrier('injectTraceContext', carrier);
    return carrier;
  }
  try {
    propagation.inject<TraceContextCarrier>(
      withoutEndedTrace(isContext(from) ? from : context.active()),
      carrier,
      setter,
    );
  } catch (error) {
    warnPropagator(error);
  }
  return carrier;
}

/**
 * Reads the caller's trace context from incoming headers, in any case of letters. Without any, the result is an empty
 * context, in which new traces start.
 */
export function extractTraceContext(carrier: TraceContextCarrier): Context {
  if (typeof carrier !== 'object' || (carrier as unknown) === null) {
    warnCarrier('extractTraceContext', carrier);
    return ROOT_CONTEXT;
  }
  try {
    return propagation.extract<TraceContextCarrier>(ROOT_CONTEXT, carrier, getter);
  } catch (error) {
    warnPropagator(error);
    return ROOT_CONTEXT;
  }
}

/**
 * Makes an extracted context the active one until the returned token is detached. Prefer `withTraceContext`: an async
 * function that attaches before its first `await` changes the context of its caller as well.
 */
export function attachTraceContext(extracted: Context): TraceContextToken {
  const given = contextOr(extracted);
  const token = context.attach(given);
  if (context.active() !== given) {
    warnOnce(
      'attach-unsupported',
      'attachTraceContext() had no effect: telemetry has not been started, or the OpenTelemetry SDK that was started ' +
        'by the application has a context manager without attach(). Use withTraceContext(context, fn).',
    );
  }
  return token;
}

/** Ends what `attachTraceContext` began: the previous context is active again. A second call does nothing. */
export function detachTraceContext(token: TraceContextToken): void {
  try {
    token.dispose();
  } catch (error) {
    warnOnce(
      'propagation:token',
      `detachTraceContext() was given no token of attachTraceContext(): ${textOf(error)}`,
    );
  }
}

/**
 * Runs `fn` with an extracted context active and returns what it returns; the context reaches everything `fn` awaits
 * and nothing else.
 *
 * @example
 * await withTraceContext(extractTraceContext(message.headers), () => this.handle(message));
 */
export function withTraceContext<T>(extracted: Context, fn: () => T): T {
  return context.with(contextOr(extracted), fn);
}

/** Any other value would become the active context, and fail later. */
function contextOr(extracted: unknown): Context {
  if (isContext(extracted)) return extracted;
  warnOnce(
    'propagation:context',
    `${textOf(extracted, 100)} is no context of extractTraceContext(), and is ignored.`,
  );
  return context.active();
}

function warnCarrier(name: string, carrier: unknown): void {
  warnOnce('propagation:carrier', `${name}() was given ${textOf(carrier, 100)} instead of headers.`);
}

/** OpenTelemetry's own propagators do not throw. */
function warnPropagator(error: unknown): void {
  warnOnce('propagation:propagator', `A propagator failed, so no trace context is carried: ${textOf(error)}`);
}

function isKeyedCollection(carrier: TraceContextCarrier): carrier is Headers | Map<string, string> {
  return carrier instanceof Map || (typeof Headers === 'function' && carrier instanceof Headers);
}

function spellingIn(carrier: Record<string, unknown>, key: string): string {
  return Object.keys(carrier).find((name) => name.toLowerCase() === key) ?? key;
}

function asHeaderValue(value: unknown): string | string[] | undefined {
  if (typeof value === 'string' || value === undefined) return bounded(value);
  if (Array.isArray(value))
    return value.length <= MAX_VALUES ? value.map((item) => textOf(item, MAX_HEADER)) : undefined;
  // Message brokers hand header values over as bytes.
  return Buffer.isBuffer(value) && value.length <= MAX_HEADER ? value.toString('utf8') : undefined;
}

/** A longer value is no trace context, and would take long to parse. */
function bounded(value: string | undefined): string | undefined {
  return value === undefined || value.length <= MAX_HEADER ? value : undefined;
}

/** Context and links of an incoming call. */
export interface Incoming {
  readonly context: Context;
  readonly links: Link[];
}

/** Returns the mode of `propagation.incoming` for a caller; `trust` where our runtime does not run. */
export function incomingModeOf(listener: IncomingListener, request: IncomingRequest): IncomingMode {
  const policy = currentRuntime()?.config.propagation.incoming[listener] ?? 'trust';
  if (typeof policy === 'string') return policy;
  try {
    const mode: unknown = policy(request as IncomingRequest & Record<string, unknown>, listener);
    if (INCOMING_MODES.includes(mode as IncomingMode)) return mode as IncomingMode;
    throw new TypeError(`it must return one of ${INCOMING_MODES.join(', ')}`);
  } catch (error) {
    warnOnce(
      `propagation:incoming:${listener}`,
      `The function in propagation.incoming failed for ${listener}: ${String(error)}. Such a call starts a trace with a link.`,
    );
    return 'link';
  }
}

/**
 * Returns the context and links that an incoming call starts with. `extract` reads the caller's headers into `base`; it is not
 * called where these are ignored.
 */
export function receive(
  listener: IncomingListener,
  request: IncomingRequest,
  base: Context,
  extract: () => Context,
): Incoming {
  const mode = incomingModeOf(listener, request);
  if (mode === 'trust') return { context: extract(), links: [] };
  return { context: base, links: mode === 'link' ? linksTo(extract()) : [] };
}

/** A link to the span of a context; none where there is no valid one. */
export function linksTo(context: Context): Link[] {
  const sender = trace.getSpanContext(context);
  return sender !== undefined && isSpanContextValid(sender) ? [{ context: sender }] : [];
}
