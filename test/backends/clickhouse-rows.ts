import { createClickHouseReader } from '../../lib/dashboard/clickhouse/clickhouse-reader.js';
import { Threshold } from '../../lib/engine/sampling-threshold.js';
import {
  type ReaderUnderTest,
  type Telemetry,
  type WrittenLog,
  type WrittenOrigin,
  type WrittenPoint,
  type WrittenSpan,
} from '../dashboard/reader/telemetry.js';
import { type ClickHouseServer } from './clickhouse-server.js';

/** What the contract asks of a server that has the tables of the Collector's exporter. */
export function readerForContract(server: ClickHouseServer): ReaderUnderTest {
  const reader = createClickHouseReader(server.config());
  return {
    reader,
    write: (telemetry) => writeAsExporter(server, telemetry),
    close: async () => {
      reader.close();
    },
  };
}

/** Writes made-up telemetry as the Collector's exporter would: every attribute as text, times with nanoseconds. */
export async function writeAsExporter(
  server: ClickHouseServer,
  { spans = [], logs = [], points = [] }: Telemetry,
): Promise<void> {
  await server.insert('otel_traces', spans.map(spanRow));
  await server.insert('otel_logs', logs.map(logRow));
  const ofType = (...types: WrittenPoint['type'][]) => points.filter(({ type }) => types.includes(type));
  await server.insert('otel_metrics_gauge', ofType('gauge').map(pointRow));
  await server.insert(
    'otel_metrics_sum',
    ofType('counter', 'updowncounter').map((point) => ({
      ...pointRow(point),
      AggregationTemporality: 1,
      IsMonotonic: point.type === 'counter',
    })),
  );
  await server.insert('otel_metrics_histogram', ofType('histogram').map(histogramRow));
}

/** `1795910399.123456000` of milliseconds. */
function instant(ms: number): string {
  const microseconds = Math.round(ms * 1_000);
  return `${Math.floor(microseconds / 1_000_000)}.${String(microseconds % 1_000_000).padStart(6, '0')}000`;
}

function texts(attributes: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

function resourceOf({ service, ...origin }: WrittenOrigin & { readonly service: string }) {
  const { version = '1.0.0', environment = 'test', instance, host } = origin;
  return {
    'service.name': service,
    ...(version !== '' && { 'service.version': version }),
    'deployment.environment.name': environment,
    ...(instance !== undefined && { 'service.instance.id': instance }),
    ...(host !== undefined && { 'host.name': host }),
  };
}

const word = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function spanRow(span: WrittenSpan): object {
  const { method, route, outcome, kind, events, links = [], weight } = span;
  const entered =
    kind === 'server' || kind === 'consumer'
      ? {
          ...(method !== undefined && { 'http.request.method': method }),
          ...(route !== undefined && { 'http.route': route }),
          ...(outcome !== undefined && { 'http.response.status_code': outcome }),
        }
      : {};
  return {
    Timestamp: instant(span.start),
    TraceId: span.traceId,
    SpanId: span.spanId,
    ParentSpanId: span.parentSpanId ?? '',
    TraceState: weight === undefined ? '' : `ot=th:${Threshold.ofRatio(1 / weight).text}`,
    SpanName: span.name,
    SpanKind: word(kind),
    ServiceName: span.service,
    ResourceAttributes: resourceOf(span),
    ScopeName: span.scope,
    ScopeVersion: '',
    SpanAttributes: { ...texts(span.attributes), ...entered },
    Duration: Math.round(span.durationMs * 1_000) * 1_000,
    StatusCode: word(span.status),
    StatusMessage: span.statusMessage ?? '',
    'Events.Timestamp': events.map(({ time }) => instant(time)),
    'Events.Name': events.map(({ name }) => name),
    'Events.Attributes': events.map(({ attributes }) => texts(attributes)),
    'Links.TraceId': links.map(({ traceId }) => traceId),
    'Links.SpanId': links.map(({ spanId }) => spanId),
    'Links.TraceState': links.map(() => ''),
    'Links.Attributes': links.map(({ attributes }) => texts(attributes)),
  };
}

function logRow(log: WrittenLog): object {
  return {
    Timestamp: instant(log.time),
    TraceId: log.traceId ?? '',
    SpanId: log.spanId ?? '',
    TraceFlags: 1,
    SeverityText: '',
    // Four for each level.
    SeverityNumber: (Math.floor(log.level / 10) - 1) * 4 + 1,
    ServiceName: log.service,
    Body: log.message,
    ResourceAttributes: resourceOf(log),
    ScopeName: log.context ?? '',
    LogAttributes: texts(log.attributes),
  };
}

function pointRow(point: WrittenPoint): object {
  return { ...reportOf(point), Value: point.value };
}

function reportOf(point: WrittenPoint): object {
  return {
    ResourceAttributes: resourceOf(point),
    ScopeName: 'test',
    ServiceName: point.service,
    MetricName: point.name,
    MetricDescription: '',
    MetricUnit: point.unit,
    Attributes: point.attributes,
    StartTimeUnix: Math.floor(point.time / 1_000) - 1,
    TimeUnix: Math.floor(point.time / 1_000),
  };
}

function histogramRow(point: WrittenPoint): object {
  const { counts = [], boundaries = [], min = 0, max = 0 } = point;
  return {
    ...reportOf(point),
    Count: counts.reduce((sum, count) => sum + count, 0),
    Sum: point.value,
    BucketCounts: counts,
    ExplicitBounds: boundaries,
    Min: min,
    Max: max,
    AggregationTemporality: 1,
  };
}
