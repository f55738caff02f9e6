import { ATTR_SERVICE_NAME } from '../../config/semantic-conventions.constants.js';
import { Threshold } from '../../engine/sampling-threshold.js';
import { type JsonAttributes, type JsonValue } from '../reader/answers/answer-parts.interface.js';
import { type LogAnswer } from '../reader/answers/logs.interface.js';
import { type SpanAnswer, type TraceAnswer } from '../reader/answers/traces.interface.js';
import { LOG_LEVELS } from '../reader/telemetry-reader.interface.js';
import { SPAN_KIND, SPAN_STATUS } from '../sqlite/rows.interface.js';
import { type Steps, TimeSlice } from '../steps.js';

/**
 * A trace as OTLP's JSON: an `ExportTraceServiceRequest` that any receiver takes, and beside its spans the log lines, as in an
 * `ExportLogsServiceRequest`. Who knows only one of the two ignores the other, as OTLP asks for. A span that stands for several has a trace
 * state that says so; other members of the trace state are not stored.
 *
 * @param resources attributes of each service, by its name
 */
export function* writeOtlpTrace(
  { spans, logs }: Pick<TraceAnswer, 'spans' | 'logs'>,
  resources: Readonly<Record<string, JsonAttributes>>,
): Steps<object> {
  const turn = new TimeSlice();
  const resourceOf = (service: string): object => ({
    attributes: writeAttributes(resources[service] ?? { [ATTR_SERVICE_NAME]: service }),
  });
  const resourceSpans: object[] = [];
  for (const [service, ofService] of Map.groupBy(spans, (span) => span.service)) {
    const scopeSpans: object[] = [];
    for (const [scope, ofScope] of Map.groupBy(ofService, (span) => span.scope))
      scopeSpans.push({ scope: { name: scope }, spans: yield* writeEach(ofScope, writeSpan, turn) });
    resourceSpans.push({ resource: resourceOf(service), scopeSpans });
  }
  const resourceLogs: object[] = [];
  for (const [service, ofService] of Map.groupBy(logs, (log) => log.service)) {
    const scopeLogs: object[] = [];
    for (const [context = '', ofContext] of Map.groupBy(ofService, (log) => log.context))
      scopeLogs.push({ scope: { name: context }, logRecords: yield* writeEach(ofContext, writeLog, turn) });
    resourceLogs.push({ resource: resourceOf(service), scopeLogs });
  }
  return resourceLogs.length === 0 ? { resourceSpans } : { resourceSpans, resourceLogs };
}

function* writeEach<T>(
  items: readonly T[],
  write: (item: T) => object,
  turn: TimeSlice,
): Steps<readonly object[]> {
  const written: object[] = [];
  for (const item of items) {
    written.push(write(item));
    if (turn.isOver()) yield* turn.pass();
  }
  return written;
}

function writeLog(log: LogAnswer): object {
  const level = LOG_LEVELS[log.level as keyof typeof LOG_LEVELS] as number | undefined;
  return {
    timeUnixNano: nanoseconds(log.time),
    observedTimeUnixNano: nanoseconds(log.time),
    // The first of the four severities that each level has.
    severityNumber: ((level ?? LOG_LEVELS.info) / 10) * 4 - 3,
    severityText: log.level.toUpperCase(),
    body: { stringValue: log.message },
    attributes: writeAttributes(log.attributes),
    ...(log.traceId !== undefined && { traceId: log.traceId }),
    ...(log.spanId !== undefined && { spanId: log.spanId }),
  };
}

function writeSpan(span: SpanAnswer): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    ...(span.weight !== undefined && { traceState: `ot=th:${Threshold.ofRatio(1 / span.weight).text}` }),
    name: span.name,
    // OTLP counts from 1, for 0 is "not said".
    kind: SPAN_KIND[span.kind] + 1,
    startTimeUnixNano: nanoseconds(span.start),
    endTimeUnixNano: nanoseconds(span.start + span.durationMs),
    attributes: writeAttributes(span.attributes),
    events: span.events.map(({ name, time, attributes }) => ({
      timeUnixNano: nanoseconds(time),
      name,
      attributes: writeAttributes(attributes),
    })),
    links: span.links.map(({ traceId, spanId, attributes }) => ({
      traceId,
      spanId,
      attributes: writeAttributes(attributes),
    })),
    status: {
      code: SPAN_STATUS[span.status],
      ...(span.statusMessage !== undefined && { message: span.statusMessage }),
    },
  };
}

function writeAttributes(attributes: JsonAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: writeValue(value) }));
}

function writeValue(value: JsonValue): object {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      if (value === null) return {};
      return Array.isArray(value)
        ? { arrayValue: { values: (value as readonly JsonValue[]).map(writeValue) } }
        : { kvlistValue: { values: writeAttributes(value as JsonAttributes) } };
  }
}

/** Milliseconds have three decimals at most: microseconds are what the store knows. */
function nanoseconds(milliseconds: number): string {
  return `${Math.round(milliseconds * 1_000)}000`;
}
