import {
  type Context,
  context,
  type ContextManagementToken,
  propagation,
  ROOT_CONTEXT,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api';

import { warnOnce } from '../errors/warnings.js';
import { withoutEndedTrace } from '../recording/lineage.js';

/** What trace context can be written to and read from: a plain object of headers, `Headers`, or a `Map`. */
export type TraceContextCarrier = Headers | Map<string, string> | Record<string, unknown>;

/** What `attachTraceContext` hands out and `detachTraceContext` takes back. */
export type TraceContextToken = ContextManagementToken;

const setter: TextMapSetter<TraceContextCarrier> = {
  set(carrier, key, value) {
    if (isKeyedCollection(carrier)) carrier.set(key, value);
    else carrier[key] = value;
  },
};

const getter: TextMapGetter<TraceContextCarrier> = {
  keys: (carrier) => (isKeyedCollection(carrier) ? [...carrier.keys()] : Object.keys(carrier)),
  get(carrier, key) {
    if (isKeyedCollection(carrier)) return carrier.get(key) ?? undefined;
    return asHeaderValue(carrier[key] ?? carrier[spellingIn(carrier, key)]);
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
  propagation.inject<TraceContextCarrier>(withoutEndedTrace(from), carrier, setter);
  return carrier;
}

/**
 * Reads the caller's trace context from incoming headers, in whatever case they are spelled. Without any, the result
 * is an empty context: what runs in it starts a new trace.
 */
export function extractTraceContext(carrier: TraceContextCarrier): Context {
  return propagation.extract<TraceContextCarrier>(ROOT_CONTEXT, carrier, getter);
}

/**
 * Makes an extracted context the active one until the returned token is detached. Prefer `withTraceContext`: an async
 * function that attaches before its first `await` changes the context of its caller as well.
 */
export function attachTraceContext(extracted: Context): TraceContextToken {
  const token = context.attach(extracted);
  if (context.active() !== extracted) {
    warnOnce(
      'attach-unsupported',
      'attachTraceContext() had no effect: telemetry has not been started, or the OpenTelemetry SDK that was started ' +
        'by the application has a context manager without attach(). Use withTraceContext(context, fn).',
    );
  }
  return token;
}

/** Gives back what `attachTraceContext` returned: the context from before is active again. Doing it twice is harmless. */
export function detachTraceContext(token: TraceContextToken): void {
  token.dispose();
}

/**
 * Runs `fn` with an extracted context active and returns what it returns; the context reaches everything `fn` awaits
 * and nothing else.
 *
 * @example
 * await withTraceContext(extractTraceContext(message.headers), () => this.handle(message));
 */
export function withTraceContext<T>(extracted: Context, fn: () => T): T {
  return context.with(extracted, fn);
}

function isKeyedCollection(carrier: TraceContextCarrier): carrier is Headers | Map<string, string> {
  return carrier instanceof Map || (typeof Headers === 'function' && carrier instanceof Headers);
}

function spellingIn(carrier: Record<string, unknown>, key: string): string {
  return Object.keys(carrier).find((name) => name.toLowerCase() === key) ?? key;
}

function asHeaderValue(value: unknown): string | string[] | undefined {
  if (typeof value === 'string' || value === undefined) return value;
  if (Array.isArray(value)) return value.map(String);
  // Message brokers hand header values over as bytes.
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
}
