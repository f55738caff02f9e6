/** How a field is written, and what it becomes in JSON. */
export type FieldType =
  | 'string'
  | 'bool'
  | 'double'
  /** Enumerations and small numbers. */
  | 'uint32'
  | 'sint32'
  /** As texts, as OTLP's JSON has it: they may be longer than a number. */
  | 'int64'
  | 'fixed64'
  | 'sfixed64'
  /** In hexadecimal. */
  | 'id'
  /** In base64. */
  | 'bytes';

/** Fields of a message by their number: name in JSON, and what is in it. */
export type Message = Readonly<
  Record<number, readonly [name: string, type: FieldType | (() => Message), repeated?: 'repeated']>
>;

const anyValue: Message = {
  1: ['stringValue', 'string'],
  2: ['boolValue', 'bool'],
  3: ['intValue', 'int64'],
  4: ['doubleValue', 'double'],
  5: ['arrayValue', () => arrayValue],
  6: ['kvlistValue', () => keyValueList],
  7: ['bytesValue', 'bytes'],
};
const arrayValue: Message = { 1: ['values', () => anyValue, 'repeated'] };
const keyValue: Message = { 1: ['key', 'string'], 2: ['value', () => anyValue] };
const keyValueList: Message = { 1: ['values', () => keyValue, 'repeated'] };
const resource: Message = { 1: ['attributes', () => keyValue, 'repeated'] };
const scope: Message = { 1: ['name', 'string'], 2: ['version', 'string'] };

const event: Message = {
  1: ['timeUnixNano', 'fixed64'],
  2: ['name', 'string'],
  3: ['attributes', () => keyValue, 'repeated'],
};
const link: Message = {
  1: ['traceId', 'id'],
  2: ['spanId', 'id'],
  4: ['attributes', () => keyValue, 'repeated'],
};
const span: Message = {
  1: ['traceId', 'id'],
  2: ['spanId', 'id'],
  3: ['traceState', 'string'],
  4: ['parentSpanId', 'id'],
  5: ['name', 'string'],
  6: ['kind', 'uint32'],
  7: ['startTimeUnixNano', 'fixed64'],
  8: ['endTimeUnixNano', 'fixed64'],
  9: ['attributes', () => keyValue, 'repeated'],
  11: ['events', () => event, 'repeated'],
  13: ['links', () => link, 'repeated'],
  15: ['status', () => ({ 2: ['message', 'string'], 3: ['code', 'uint32'] })],
};

const exemplar: Message = {
  2: ['timeUnixNano', 'fixed64'],
  3: ['asDouble', 'double'],
  4: ['spanId', 'id'],
  5: ['traceId', 'id'],
  6: ['asInt', 'sfixed64'],
};
const numberPoint: Message = {
  2: ['startTimeUnixNano', 'fixed64'],
  3: ['timeUnixNano', 'fixed64'],
  4: ['asDouble', 'double'],
  5: ['exemplars', () => exemplar, 'repeated'],
  6: ['asInt', 'sfixed64'],
  7: ['attributes', () => keyValue, 'repeated'],
  8: ['flags', 'uint32'],
};
const histogramPoint: Message = {
  2: ['startTimeUnixNano', 'fixed64'],
  3: ['timeUnixNano', 'fixed64'],
  4: ['count', 'fixed64'],
  5: ['sum', 'double'],
  6: ['bucketCounts', 'fixed64', 'repeated'],
  7: ['explicitBounds', 'double', 'repeated'],
  8: ['exemplars', () => exemplar, 'repeated'],
  9: ['attributes', () => keyValue, 'repeated'],
  10: ['flags', 'uint32'],
  11: ['min', 'double'],
  12: ['max', 'double'],
};
const exponentialBuckets: Message = { 1: ['offset', 'sint32'], 2: ['bucketCounts', 'int64', 'repeated'] };
const exponentialPoint: Message = {
  1: ['attributes', () => keyValue, 'repeated'],
  2: ['startTimeUnixNano', 'fixed64'],
  3: ['timeUnixNano', 'fixed64'],
  4: ['count', 'fixed64'],
  5: ['sum', 'double'],
  6: ['scale', 'sint32'],
  7: ['zeroCount', 'fixed64'],
  8: ['positive', () => exponentialBuckets],
  9: ['negative', () => exponentialBuckets],
  10: ['flags', 'uint32'],
  11: ['exemplars', () => exemplar, 'repeated'],
  12: ['min', 'double'],
  13: ['max', 'double'],
};
const metric: Message = {
  1: ['name', 'string'],
  2: ['description', 'string'],
  3: ['unit', 'string'],
  5: ['gauge', () => ({ 1: ['dataPoints', () => numberPoint, 'repeated'] })],
  7: [
    'sum',
    () => ({
      1: ['dataPoints', () => numberPoint, 'repeated'],
      2: ['aggregationTemporality', 'uint32'],
      3: ['isMonotonic', 'bool'],
    }),
  ],
  9: [
    'histogram',
    () => ({ 1: ['dataPoints', () => histogramPoint, 'repeated'], 2: ['aggregationTemporality', 'uint32'] }),
  ],
  10: [
    'exponentialHistogram',
    () => ({
      1: ['dataPoints', () => exponentialPoint, 'repeated'],
      2: ['aggregationTemporality', 'uint32'],
    }),
  ],
};

const logRecord: Message = {
  1: ['timeUnixNano', 'fixed64'],
  2: ['severityNumber', 'uint32'],
  3: ['severityText', 'string'],
  5: ['body', () => anyValue],
  6: ['attributes', () => keyValue, 'repeated'],
  9: ['traceId', 'id'],
  10: ['spanId', 'id'],
  11: ['observedTimeUnixNano', 'fixed64'],
};

/** Names of the lists that a request of a signal nests: resources, scopes, and what is in them. */
export const OTLP_LISTS = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
} as const;

export type OtlpSignal = keyof typeof OTLP_LISTS;

function request(signal: OtlpSignal, item: Message): Message {
  const [resources, scopes, items] = OTLP_LISTS[signal];
  const perScope: Message = { 1: ['scope', () => scope], 2: [items, () => item, 'repeated'] };
  const perResource: Message = { 1: ['resource', () => resource], 2: [scopes, () => perScope, 'repeated'] };
  return { 1: [resources, () => perResource, 'repeated'] };
}

/** What is sent to `/v1/traces`, `/v1/metrics` and `/v1/logs`, as far as it is kept. */
export const OTLP_REQUESTS: Readonly<Record<OtlpSignal, Message>> = {
  traces: request('traces', span),
  metrics: request('metrics', metric),
  logs: request('logs', logRecord),
};
