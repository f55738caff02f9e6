import { type LogRecord, ROOT_CONTEXT, SeverityNumber, trace, TraceFlags } from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';

import { encodeLogRecord } from '../../../lib/exporters/otlp/encoding/encode-log-record.js';
import { RequestBuilder } from '../../../lib/exporters/otlp/encoding/request-builder.js';
import { RecordingTracerProvider } from '../../../lib/recording/recording-tracer-provider.js';
import { resource } from '../support/trace-provider.js';
import { decodeOtlp } from './decode-otlp.js';

const NOW = 1_795_000_000_123;
const remoteSpan = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
});
const ownSpan = trace.setSpan(
  ROOT_CONTEXT,
  new RecordingTracerProvider({
    resource,
    sampler: new AlwaysOnSampler(),
    childrenFollowParent: true,
    limits: {},
    spanProcessors: [],
  })
    .getTracer('OrderService')
    .startSpan('own'),
);

/** A receiver reads the same in both, save counts of zero, which OpenTelemetry's serializer writes out. */
function decode(body: Uint8Array): unknown {
  return JSON.parse(
    JSON.stringify(decodeOtlp('logs', Buffer.from(body)), (key, value: unknown) =>
      key === 'droppedAttributesCount' && value === 0 ? undefined : value,
    ),
  );
}

function encodedByUs(record: LogRecord): unknown {
  const builder = new RequestBuilder();
  encodeLogRecord(builder.writerFor({ name: 'OrderService' }, resource), record);
  builder.added();
  return decode(builder.build());
}

function encodedByTheSdk(record: LogRecord): unknown {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
  provider.getLogger('OrderService').emit(record);
  return decode(ProtobufLogsSerializer.serializeRequest(exporter.getFinishedLogRecords())!);
}

describe('encodeLogRecord()', () => {
  const cases: [string, LogRecord][] = [
    ['a message', { body: 'Processing started', timestamp: NOW }],
    ['nothing', {}],
    ['a severity', { severityNumber: SeverityNumber.WARN, severityText: 'WARN', timestamp: NOW }],
    ['an unspecified severity', { severityNumber: SeverityNumber.UNSPECIFIED }],
    ['a body with structure', { body: { order: { id: 'o1', items: [1, 'two', null, { three: true }] } } }],
    [
      'attributes',
      { attributes: { id: 'o1', amount: 12.5, paid: true, tags: ['a', 'b'], nested: { a: 1 } } },
    ],
    ['attributes of null and undefined', { attributes: { nothing: null, absent: undefined } }],
    [
      '200 attributes',
      { attributes: Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`k${n}`, n])) },
    ],
    ['an event name', { eventName: 'order.paid' }],
    ['an exception', { exception: new RangeError('out of range') }],
    ['a thrown text', { exception: 'out of range' }],
    [
      'an exception beside an attribute',
      { exception: new Error('a'), attributes: { 'exception.message': 'b' } },
    ],
    ['a span of another process', { body: 'x', context: remoteSpan }],
    ['a span of ours', { body: 'x', context: ownSpan }],
    ['no span', { body: 'x', context: ROOT_CONTEXT }],
    ['a pair as its time', { timestamp: [1_795_000_000, 999_999_999] }],
    ['a Date as its time', { timestamp: new Date(NOW) }],
  ];

  beforeEach(() => jest.useFakeTimers({ now: NOW, doNotFake: ['performance'] }));
  afterEach(() => jest.useRealTimers());

  it.each(cases)('writes %s as the serializer of the SDK does', (_, record) => {
    expect(encodedByUs(record)).toEqual(encodedByTheSdk(record));
  });
});
