import { type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { type IMetricReader } from '@opentelemetry/sdk-metrics';
import { type SpanProcessor } from '@opentelemetry/sdk-trace';

import { type Undo, undoAll } from '../process/undo-all.js';

/**
 * All private members of another OpenTelemetry SDK that this library touches. None is public since
 * version 2 of the SDK: each function returns whether the provider has what it expects.
 *
 * - traces: `addSpanProcessor()` (1.x), else `_activeSpanProcessor._spanProcessors` (2.x, 3.x)
 * - metrics: `addMetricReader()` (1.x), else `_sharedState.metricCollectors` and the class of a collector (2.x, 3.x)
 * - logs: `addLogRecordProcessor()` (before 2.x), else `_sharedState.activeProcessor.processors` (2.x, 3.x)
 */
/** Removes what was added. */
export type Detach = Undo;

/** The provider behind the API's proxies, which delegate to one another while there is none. */
export function unwrapProvider(provider: unknown): unknown {
  let current = provider;
  for (let depth = 0; depth < 10; depth += 1) {
    const getDelegate = memberOf(current, 'getDelegate');
    if (typeof getDelegate !== 'function') return current;
    const delegate: unknown = Reflect.apply(getDelegate, current, []);
    if (delegate === undefined || delegate === current) return current;
    current = delegate;
  }
  return current;
}

const SPAN_PROCESSORS = ['_activeSpanProcessor', '_spanProcessors'];
const LOG_PROCESSORS = ['_sharedState', 'activeProcessor', 'processors'];
const COLLECTORS = ['_sharedState', 'metricCollectors'];

/** Adds a processor to a tracer provider; undefined where that is not possible. */
export function addSpanProcessor(provider: unknown, processor: SpanProcessor): Detach | undefined {
  const list = memberAt(provider, SPAN_PROCESSORS);
  return isList(list) ? addTo(list, processor) : addBy(provider, 'addSpanProcessor', processor);
}

/** The span processors of a tracer provider; empty where they cannot be read. */
export function spanProcessorsOf(provider: unknown): readonly unknown[] {
  return listAt(provider, SPAN_PROCESSORS);
}

/** Adds a processor to a logger provider; undefined where that is not possible. */
export function addLogRecordProcessor(provider: unknown, processor: LogRecordProcessor): Detach | undefined {
  const state = memberOf(provider, '_sharedState');
  const active = memberOf(state, 'activeProcessor');
  const list = memberAt(provider, LOG_PROCESSORS);
  if (isList(list)) return addTo(list, processor);
  // Without processors it has one that does nothing.
  if (typeof state === 'object' && state !== null && typeof memberOf(active, 'onEmit') === 'function') {
    const holder = state as { activeProcessor: unknown };
    holder.activeProcessor = processor;
    const restore = (): void => {
      if (holder.activeProcessor === processor) holder.activeProcessor = active;
    };
    // Loggers are enabled where one of these is.
    const asked = memberOf(state, 'processors');
    return undoAll([restore, isList(asked) ? addTo(asked, processor) : undefined]);
  }
  return addBy(provider, 'addLogRecordProcessor', processor);
}

/** The log record processors of a logger provider. */
export function logRecordProcessorsOf(provider: unknown): readonly unknown[] {
  return listAt(provider, LOG_PROCESSORS);
}

/**
 * Adds a reader to a meter provider; undefined where that is not possible. It does not read
 * instruments that were made before.
 */
export function addMetricReader(provider: unknown, reader: IMetricReader, ours: object): Detach | undefined {
  const state = memberOf(provider, '_sharedState');
  const collectors = memberOf(state, 'metricCollectors');
  if (!isList(collectors) || !(memberOf(state, 'meterSharedStates') instanceof Map))
    return addBy(provider, 'addMetricReader', reader);
  // A provider without readers has no collector to take the class from.
  const model = collectors[0] ?? listAt(ours, COLLECTORS)[0];
  const Collector = memberOf(model, 'constructor');
  if (typeof Collector !== 'function' || typeof memberOf(model, 'collect') !== 'function') return undefined;
  const collector: unknown = Reflect.construct(Collector, [state, reader]);
  reader.setMetricProducer(collector as Parameters<IMetricReader['setMetricProducer']>[0]); // what the SDK passes there
  return addTo(collectors, collector);
}

/** The metric readers of a meter provider. */
export function metricReadersOf(provider: unknown): readonly unknown[] {
  return listAt(provider, COLLECTORS).map((collector) => memberOf(collector, '_metricReader'));
}

/** Objects of a processor that are searched for its address. */
const MAX_OBJECTS = 500;

/**
 * Whether a processor or reader of an SDK sends to that address. Its exporter has the address
 * several private objects deep, in other places in each version and protocol.
 */
export function sendsTo(sender: unknown, address: string): boolean {
  const wanted = hostAndPath(address);
  if (wanted === undefined) return false;
  const seen = new Set<unknown>();
  const queue: unknown[] = [sender];
  while (queue.length > 0 && seen.size < MAX_OBJECTS) {
    const value = queue.shift();
    if (typeof value === 'string') {
      if (hostAndPath(value) === wanted) return true;
      continue;
    }
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) continue;
    seen.add(value);
    for (const { value: member } of Object.values(Object.getOwnPropertyDescriptors(value)))
      queue.push(member);
  }
  return false;
}

/** `host:port/path`; gRPC addresses have no scheme there. */
function hostAndPath(text: string): string | undefined {
  if (text.length > 2_000 || !/^(?:https?:\/\/)?[^\s/]+:\d+|^https?:\/\//.test(text)) return undefined;
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url === null) return undefined;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const host = url.hostname.replace(/^(?:127\.0\.0\.1|\[::1\])$/, 'localhost');
  return `${host}:${port}${url.pathname.replace(/\/$/, '')}`;
}

function addBy(provider: unknown, method: string, added: object): Detach | undefined {
  const add = memberOf(provider, method);
  if (typeof add !== 'function') return undefined;
  Reflect.apply(add, provider, [added]);
  // It cannot be removed; it does nothing after its shutdown.
  return () => undefined;
}

function addTo(list: unknown[], added: unknown): Detach {
  list.push(added);
  return () => {
    const index = list.indexOf(added);
    if (index !== -1) list.splice(index, 1);
  };
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && !Object.isFrozen(value);
}

function listAt(owner: unknown, path: readonly string[]): readonly unknown[] {
  const list = memberAt(owner, path);
  return Array.isArray(list) ? list : [];
}

function memberAt(owner: unknown, path: readonly string[]): unknown {
  return path.reduce(memberOf, owner);
}

function memberOf(owner: unknown, name: string): unknown {
  if ((typeof owner !== 'object' && typeof owner !== 'function') || owner === null) return undefined;
  try {
    return (owner as Readonly<Record<string, unknown>>)[name];
  } catch {
    // A getter threw.
    return undefined;
  }
}
