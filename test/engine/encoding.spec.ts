import {
  type Attributes,
  type LogRecord,
  ROOT_CONTEXT,
  SeverityNumber,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';

import { ByteWriter } from '../../lib/engine/encoding/byte-writer.js';
import {
  EncodedStringCache,
  encodeKeyValue,
  encodeValue,
} from '../../lib/engine/encoding/encode-attributes.js';
import { encodeLogRecord } from '../../lib/engine/encoding/encode-log-record.js';
import { RequestBuilder } from '../../lib/engine/encoding/request-builder.js';
import { RecordingTracerProvider } from '../../lib/engine/recording-tracer-provider.js';
import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';
import { resource } from '../exporters/support/trace-provider.js';

const NOW = 1_795_000_000_123;

const OWN = { own: { value: 2, enumerable: true } };

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
  encodeLogRecord(builder.writerFor({ name: 'OrderService' }, resource), record, 128);
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
    ['a severity of its own', { severityNumber: SeverityNumber.INFO3, severityText: 'NOTICE' }],
    ['a severity without a number', { severityText: 'wichtig – 重要' }],
    ['a severity without a text', { severityNumber: SeverityNumber.FATAL4 }],
    ['when it was observed', { timestamp: NOW - 5_000, observedTimestamp: NOW - 1 }],
    ['when it was observed and no other time', { observedTimestamp: new Date(NOW - 1) }],
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
    ['a body with a prototype', { body: Object.create({ inherited: 1 }, OWN) as Attributes }],
    ['attributes with a prototype', { attributes: Object.create({ inherited: 1 }, OWN) as Attributes }],
    ['an attribute without a key', { attributes: { '': 'nothing', id: 'o1' } }],
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

  it.each([
    [0, 200],
    [16_250, 16_400],
  ])('writes bodies of %d to %d characters, whatever the lengths around them take', (from, to) => {
    for (let length = from; length <= to; length += 1) {
      const record = { body: 'b'.repeat(length), attributes: { id: 'o1' } };
      expect(encodedByUs(record)).toEqual(encodedByTheSdk(record));
    }
  });
});

/** As many as a new writer has room for. */
const INITIAL_BYTES = 4_096;

function bytesOf(write: (writer: ByteWriter) => void, before = 0): Buffer {
  const writer = new ByteWriter();
  writer.bytes(new Uint8Array(before));
  write(writer);
  return Buffer.from(writer.view().subarray(before));
}

describe('ByteWriter', () => {
  it.each<[string, unknown]>([
    ['a short text', 'value'],
    ['a text beyond ASCII', 'ü'.repeat(100)],
    ['a text of surrogates', '🚀'.repeat(62)],
    ['a long text', '日'.repeat(3_000)],
    ['a number', 0.1],
    ['a list', ['a', 1, 'ü'.repeat(120)]],
  ])('writes %s the same wherever its memory ends', (_, value) => {
    const write = (writer: ByteWriter): void => {
      encodeKeyValue(writer, 0x4a, 'key', value);
      encodeValue(writer, value);
    };
    const expected = bytesOf(write);
    for (let before = INITIAL_BYTES - 1_000; before <= INITIAL_BYTES; before += 1)
      expect(bytesOf(write, before).equals(expected)).toBe(true);
  });

  it.each([
    [0, 1],
    [127, 1],
    [128, 2],
    [16_383, 2],
    [16_384, 3],
  ])('writes the length %d of a message in %d bytes, however many were expected', (length, needed) => {
    const content = Buffer.from(Array.from({ length }, (_, index) => index % 251));
    for (const expected of [1, 2, 3]) {
      const written = bytesOf((writer) => {
        const start = writer.open(expected);
        writer.bytes(content);
        writer.close(start, expected);
        writer.byte(0xff);
      });
      expect(written.length).toBe(needed + length + 1);
      expect(written.subarray(needed, needed + length).equals(content)).toBe(true);
      expect(written.at(-1)).toBe(0xff);
      let read = 0;
      for (let index = 0; index < needed; index += 1) read += (written[index]! & 0x7f) * 2 ** (7 * index);
      expect(read).toBe(length);
    }
  });
});

describe('EncodedStringCache', () => {
  const createTexts = (): EncodedStringCache =>
    new EncodedStringCache((writer, text) => {
      writer.text(text);
    });

  it('gives the same bytes each time', () => {
    const texts = createTexts();
    const first = texts.find('größe');
    expect(Buffer.from(first!).toString()).toBe('\u0007größe');
    expect(texts.find('größe')).toBe(first);
  });

  it('remembers no more than it has room for, and what came before for good', () => {
    const texts = createTexts();
    const first = texts.find('text 0');
    for (let index = 1; index < 4_096; index += 1) expect(texts.find(`text ${index}`)).toBeDefined();
    expect(texts.find('one more')).toBeUndefined();
    expect(texts.find('text 0')).toBe(first);
  });

  it('does not remember long texts', () => {
    const texts = createTexts();
    expect(texts.find('x'.repeat(100))).toBeDefined();
    expect(texts.find('x'.repeat(101))).toBeUndefined();
  });
});
