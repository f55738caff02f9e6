import { type Attributes, type Context, logs, metrics, trace } from '@opentelemetry/api';
import { type Resource } from '@opentelemetry/resources';
import { type LogRecordProcessor, type ReadWriteLogRecord } from '@opentelemetry/sdk-logs';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { type ReadableSpan, type Span, type SpanProcessor, type TimedEvent } from '@opentelemetry/sdk-trace';

import { type OtlpTarget } from '../config/otlp.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import {
  createLogRecordProcessors,
  createMetricReaders,
  createSpanProcessors,
} from '../exporters/create-pipelines.js';
import { type PrometheusScrape } from '../exporters/prometheus/prometheus-scrape.js';
import { OnDemandReader } from '../metrics-sdk/on-demand.reader.js';
import { undoAll } from '../process/undo-all.js';
import { redaction } from '../redaction/active-redaction.js';
import {
  addLogRecordProcessor,
  addMetricReader,
  addSpanProcessor,
  type Detach,
  logRecordProcessorsOf,
  metricReadersOf,
  sendsTo,
  spanProcessorsOf,
  unwrapProvider,
} from './foreign-sdk-internals.js';
import type { OwnedProvider } from './sdk-runtime.js';
import { PluginLogRecordProcessor, readerForPlugin, type TelemetryPlugin } from './telemetry-plugin.js';

/**
 * Joins a tracer provider that was registered before ours: its spans also go where the
 * configuration sends spans. Its sampler decides which spans there are.
 *
 * @returns undefined where nothing is to be sent, or the provider cannot be joined, which is logged
 */
export function joinTracerProvider(
  config: TelemetryConfig,
  resource: Resource,
  plugin: TelemetryPlugin | undefined,
): OwnedProvider | undefined {
  const provider = unwrapProvider(trace.getTracerProvider());
  const { traces } = config;
  const otlp = withoutTheirs(traces.otlp, spanProcessorsOf(provider));
  const jaeger = traces.jaeger.map((target) =>
    target.transport === 'udp' ? `${target.host}:${target.port}` : target.url,
  );
  const wanted = wantedBy(plugin, otlp, [
    ...jaeger,
    ...(traces.console ? ['the console'] : []),
    ...(traces.processors.length > 0 ? ['spanProcessors'] : []),
  ]);
  if (wanted.length === 0) return undefined;
  const processors = createSpanProcessors({ ...config, traces: { ...traces, otlp } });
  if (plugin !== undefined) processors.push(plugin.spans);
  const joined = new JoinedSpanProcessor(processors, resource);
  return join('spans', provider, wanted, joined, addSpanProcessor(provider, joined));
}

/** Joins a logger provider that was registered before ours; see `joinTracerProvider()`. */
export function joinLoggerProvider(
  config: TelemetryConfig,
  plugin: TelemetryPlugin | undefined,
): OwnedProvider | undefined {
  const provider = unwrapProvider(logs.getLoggerProvider());
  const otlp = withoutTheirs(config.logs.otlp, logRecordProcessorsOf(provider));
  const own = config.logs.processors.length > 0 ? ['logRecordProcessors'] : [];
  const wanted = wantedBy(plugin, otlp, own);
  if (wanted.length === 0) return undefined;
  const processors = createLogRecordProcessors({ ...config, logs: { ...config.logs, otlp } });
  if (plugin !== undefined) processors.push(new PluginLogRecordProcessor(plugin));
  const joined = new JoinedLogRecordProcessor(processors);
  return join('log records', provider, wanted, joined, addLogRecordProcessor(provider, joined));
}

/** Joins a meter provider that was registered before ours; see `joinTracerProvider()`. */
export function joinMeterProvider(
  config: TelemetryConfig,
  plugin: TelemetryPlugin | undefined,
): { readonly provider: OwnedProvider | undefined; readonly prometheus: PrometheusScrape | undefined } {
  const nothing = { provider: undefined, prometheus: undefined };
  const provider = unwrapProvider(metrics.getMeterProvider());
  const otlp = withoutTheirs(config.metrics.otlp, metricReadersOf(provider));
  const { prometheus: scraped } = config.metrics;
  const wanted = wantedBy(plugin, otlp, [
    ...(scraped === undefined ? [] : [`${scraped.path} (HTTP 404)`]),
    ...(config.metrics.readers.length > 0 ? ['metricReaders'] : []),
  ]);
  if (wanted.length === 0) return nothing;
  const { readers, prometheus } = createMetricReaders({ ...config, metrics: { ...config.metrics, otlp } });
  const shared = plugin && readerForPlugin(readers, prometheus);
  const ours = new MeterProvider({ readers: [new OnDemandReader()] });
  const detach = detachAll(readers.map((reader) => addMetricReader(provider, reader, ours)));
  const owned = join('metrics', provider, wanted, new Joined(readers), detach);
  if (owned === undefined) return nothing;
  if (shared !== undefined) plugin?.startMetrics(shared);
  return { provider: owned, prometheus };
}

/** The destinations of one signal, as the warning names them. */
function wantedBy(
  plugin: TelemetryPlugin | undefined,
  otlp: readonly OtlpTarget[],
  others: readonly string[],
): string[] {
  return [...otlp.map(({ url }) => url), ...others, ...(plugin === undefined ? [] : [plugin.name])];
}

/** Without the targets that the other SDK sends to: they would get everything twice. */
function withoutTheirs(targets: readonly OtlpTarget[], senders: readonly unknown[]): readonly OtlpTarget[] {
  return targets.filter(({ url }) => !senders.some((sender) => sendsTo(sender, url)));
}

/** All of them, or none. */
function detachAll(detaches: readonly (Detach | undefined)[]): Detach | undefined {
  const detach = undoAll([...detaches]);
  if (!detaches.includes(undefined)) return detach;
  detach();
  return undefined;
}

function join(
  what: string,
  provider: unknown,
  wanted: readonly string[],
  joined: OwnedProvider,
  detach: Detach | undefined,
): OwnedProvider | undefined {
  if (detach === undefined) {
    void joined.shutdown();
    warnNotJoined(what, provider, wanted);
    return undefined;
  }
  return {
    forceFlush: () => joined.forceFlush(),
    shutdown: () => {
      detach();
      return joined.shutdown();
    },
  };
}

function warnNotJoined(what: string, provider: unknown, wanted: readonly string[]): void {
  const name = nameOf(provider);
  const remedy = name.startsWith('Noop')
    ? // The API of this package cannot reach the registered provider.
      'It belongs to another version of @opentelemetry/api: run `npm ls @opentelemetry/api` and keep one copy.'
    : name.startsWith('Sentry')
      ? 'Let Sentry leave OpenTelemetry alone: Sentry.init({ skipOpenTelemetrySetup: true }).'
      : `Start it without ${what}, have it send them there itself, or leave it out.`;
  warnOnce(
    `foreign-provider:${what}`,
    `Another OpenTelemetry provider (${name}) takes the ${what} of this process and cannot be joined, so these get ` +
      `none: ${wanted.join(', ')}. ${remedy}`,
  );
}

function nameOf(provider: unknown): string {
  const name = (provider as { readonly constructor?: { readonly name?: string } } | null | undefined)
    ?.constructor?.name;
  return name === undefined || name === '' || name === 'Object' ? 'of an unknown class' : name;
}

/** Several processors or readers, flushed and stopped together. */
class Joined<T extends OwnedProvider> implements OwnedProvider {
  constructor(protected readonly parts: readonly T[]) {}

  async forceFlush(): Promise<void> {
    await Promise.all(this.parts.map((part) => part.forceFlush()));
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.parts.map((part) => part.shutdown()));
  }
}

class JoinedLogRecordProcessor extends Joined<LogRecordProcessor> implements LogRecordProcessor {
  onEmit(record: ReadWriteLogRecord, context?: Context): void {
    for (const processor of this.parts) processor.onEmit(record, context);
  }
}

/** What spans of version 1 of the SDK have in place of `instrumentationScope` and `parentSpanContext`. */
interface FormerSpan {
  readonly instrumentationLibrary?: unknown;
  readonly parentSpanId?: unknown;
}

/** Passes spans of the other SDK on as ours: of the service that the configuration names. */
class JoinedSpanProcessor extends Joined<SpanProcessor> implements SpanProcessor {
  private readonly resources = new WeakMap<Resource, Resource>();

  constructor(
    processors: readonly SpanProcessor[],
    private readonly resource: Resource,
  ) {
    super(processors);
  }

  onStart(span: Span, parentContext: Context): void {
    for (const processor of this.parts) processor.onStart(span, parentContext);
  }

  onEnding(span: Span): void {
    for (const processor of this.parts) processor.onEnding?.(span);
  }

  onEnd(span: ReadableSpan): void {
    const seen = this.view(span);
    for (const processor of this.parts) processor.onEnd(seen);
  }

  private view(span: ReadableSpan): ReadableSpan {
    const properties: PropertyDescriptorMap = { resource: { value: this.resourceOf(span.resource) } };
    // Their spans stay as they are: their exporters send them too.
    for (const [name, value] of Object.entries(redactedParts(span))) properties[name] = { value };
    // Version 1 of the SDK has these in place of what the type says.
    const former: ReadableSpan & FormerSpan = span;
    if (former.instrumentationLibrary !== undefined) {
      properties.instrumentationScope = { value: former.instrumentationLibrary };
      if (typeof former.parentSpanId === 'string') {
        const { traceId, traceFlags } = span.spanContext();
        properties.parentSpanContext = { value: { traceId, spanId: former.parentSpanId, traceFlags } };
      }
    }
    return Object.create(span, properties) as ReadableSpan;
  }

  private resourceOf(theirs: Resource): Resource {
    let merged = this.resources.get(theirs);
    if (merged === undefined) {
      // Version 1 of the SDK has resources that ours cannot be merged into.
      merged =
        typeof theirs.merge === 'function' && 'getRawAttributes' in theirs
          ? theirs.merge(this.resource)
          : this.resource;
      this.resources.set(theirs, merged);
    }
    return merged;
  }
}

/** The redacted parts of a span. A span of another SDK may lack what ours always has. */
function redactedParts(span: Partial<ReadableSpan>): Partial<ReadableSpan> {
  const policy = redaction();
  if (!policy.enabled) return {};
  const { name, attributes, events, links, status } = span;
  const message = status?.message;
  return {
    ...(typeof name === 'string' && { name: policy.text(name) }),
    ...(attributes !== undefined && { attributes: policy.attributes(attributes) }),
    ...(events !== undefined && { events: events.map(redactEvent) }),
    ...(links !== undefined && { links: links.map(redactMember) }),
    ...(status !== undefined &&
      message !== undefined && { status: { ...status, message: policy.errorText(message) } }),
  };
}

function redactEvent(event: TimedEvent): TimedEvent {
  const redacted = redactMember(event);
  const name = typeof event.name === 'string' ? redaction().text(event.name) : event.name;
  return name === event.name ? redacted : { ...redacted, name };
}

function redactMember<T extends { attributes?: Attributes }>(member: T): T {
  const { attributes } = member;
  return attributes === undefined ? member : { ...member, attributes: redaction().attributes(attributes) };
}
