import { type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { type IMetricReader } from '@opentelemetry/sdk-metrics';
import { type SpanProcessor } from '@opentelemetry/sdk-trace';

/**
 * Everything this library touches of the private members of an OpenTelemetry SDK that the application has started. None of
 * it is public since version 2 of the SDK: each function says by its result whether the provider is made as it expects.
 *
 * - traces: `addSpanProcessor()` (1.x), else `_activeSpanProcessor._spanProcessors` (2.x, 3.x)
 * - metrics: `addMetricReader()` (1.x), else `_sharedState.metricCollectors` and the class of a collector (2.x, 3.x)
 * - logs: `addLogRecordProcessor()` (before 2.x), else `_sharedState.activeProcessor.processors` (2.x, 3.x)
 */
type Members = Readonly<Record<string, unknown>>;

/** Removes what was added. */
export type Detach = () => void;

/** The provider behind the API's proxies; they stand in for one another as long as there is none. */
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

/** Lets a tracer provider hand its spans to `processor` as well; undefined where it cannot. */
export function addSpanProcessor(provider: unknown, processor: SpanProcessor): Detach | undefined {
  const list = memberOf(memberOf(provider, '_activeSpanProcessor'), '_spanProcessors');
  if (isList(list)) return addTo(list, processor);
  return addBy(provider, 'addSpanProcessor', processor);
}

/** The span processors a tracer provider has; empty where it does not let itself be asked. */
export function spanProcessorsOf(provider: unknown): readonly unknown[] {
  const list = memberOf(memberOf(provider, '_activeSpanProcessor'), '_spanProcessors');
  return isList(list) ? list : [];
}

/** Lets a logger provider hand its records to `processor` as well; undefined where it cannot. */
export function addLogRecordProcessor(provider: unknown, processor: LogRecordProcessor): Detach | undefined {
  const state = memberOf(provider, '_sharedState');
  const active = memberOf(state, 'activeProcessor');
  const list = memberOf(active, 'processors');
  if (isList(list)) return addTo(list, processor);
  // Without processors it has one that does nothing.
  if (typeof state === 'object' && state !== null && typeof memberOf(active, 'onEmit') === 'function') {
    const holder = state as { activeProcessor: unknown };
    holder.activeProcessor = processor;
    // Loggers ask these whether anybody is interested.
    const asked = memberOf(state, 'processors');
    const remove = isList(asked) ? addTo(asked, processor) : undefined;
    return () => {
      remove?.();
      if (holder.activeProcessor === processor) holder.activeProcessor = active;
    };
  }
  return addBy(provider, 'addLogRecordProcessor', processor);
}

/** The log record processors a logger provider has. */
export function logRecordProcessorsOf(provider: unknown): readonly unknown[] {
  const list = memberOf(memberOf(memberOf(provider, '_sharedState'), 'activeProcessor'), 'processors');
  return isList(list) ? list : [];
}

/** Gives a meter provider one more reader; undefined where it cannot have one. Instruments made before are not in it. */
export function addMetricReader(provider: unknown, reader: IMetricReader, ours: object): Detach | undefined {
  const state = memberOf(provider, '_sharedState');
  const collectors = memberOf(state, 'metricCollectors');
  if (!isList(collectors) || !(memberOf(state, 'meterSharedStates') instanceof Map))
    return addBy(provider, 'addMetricReader', reader);
  // A provider without readers has no collector of its own to take the class from.
  const model = collectors[0] ?? listOf(memberOf(memberOf(ours, '_sharedState'), 'metricCollectors'))[0];
  const Collector = memberOf(model, 'constructor');
  if (typeof Collector !== 'function' || typeof memberOf(model, 'collect') !== 'function') return undefined;
  const collector: unknown = Reflect.construct(Collector, [state, reader]);
  reader.setMetricProducer(collector as Parameters<IMetricReader['setMetricProducer']>[0]); // what the SDK passes there
  return addTo(collectors, collector);
}

/** The metric readers a meter provider has. */
export function metricReadersOf(provider: unknown): readonly unknown[] {
  const collectors = listOf(memberOf(memberOf(provider, '_sharedState'), 'metricCollectors'));
  return collectors.map((collector) => memberOf(collector, '_metricReader'));
}

/** Objects that are looked at in a processor of an SDK to find where it sends to. */
const MAX_OBJECTS = 500;

/**
 * Whether a processor or reader of an SDK sends to that address: found by looking for it in the exporter below, which keeps
 * it several private objects deep, differently in each version and protocol.
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
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return `${url.hostname.replace(/^(?:127\.0\.0\.1|\[::1\])$/, 'localhost')}:${port}${url.pathname.replace(/\/$/, '')}`;
}

function addBy(provider: unknown, method: string, added: object): Detach | undefined {
  const add = memberOf(provider, method);
  if (typeof add !== 'function') return undefined;
  Reflect.apply(add, provider, [added]);
  // There is no way back; what was added is shut down and does nothing then.
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

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function memberOf(owner: unknown, name: string): unknown {
  if ((typeof owner !== 'object' && typeof owner !== 'function') || owner === null) return undefined;
  try {
    return (owner as Members)[name];
  } catch {
    // A getter of somebody else's class.
    return undefined;
  }
}
