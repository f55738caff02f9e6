import { resolve } from './resolve.js';

const udp = (protocol: 'compact' | 'binary', host: string, port: number) => ({
  transport: 'udp',
  protocol,
  host,
  port,
});
const http = (url: string) => ({ transport: 'http', url });

const THRIFT: [string, object][] = [
  ['localhost:6831', udp('compact', 'localhost', 6831)],
  ['localhost:6832', udp('binary', 'localhost', 6832)],
  ['jaeger', udp('compact', 'jaeger', 6831)],
  ['jaeger:5775', udp('compact', 'jaeger', 5775)],
  ['127.0.0.1', udp('compact', '127.0.0.1', 6831)],
  ['udp://jaeger:6831', udp('compact', 'jaeger', 6831)],
  ['udp://jaeger:6832', udp('binary', 'jaeger', 6832)],
  ['udp://jaeger', udp('compact', 'jaeger', 6831)],
  ['[::1]:6831', udp('compact', '::1', 6831)],
  ['[::1]', udp('compact', '::1', 6831)],
  ['http://jaeger:14268/api/traces', http('http://jaeger:14268/api/traces')],
  ['http://jaeger:14268', http('http://jaeger:14268/api/traces')],
  ['http://jaeger:14268/', http('http://jaeger:14268/api/traces')],
  ['jaeger:14268', http('http://jaeger:14268/api/traces')],
  ['jaeger:14268/api/traces', http('http://jaeger:14268/api/traces')],
  ['https://jaeger.example.com/api/traces', http('https://jaeger.example.com/api/traces')],
  ['http://[::1]:14268', http('http://[::1]:14268/api/traces')],
];

const OTLP: [string, { url: string; protocol: string }][] = [
  ['localhost:4317', { protocol: 'grpc', url: 'http://localhost:4317' }],
  ['http://localhost:4317', { protocol: 'grpc', url: 'http://localhost:4317' }],
  ['localhost:4318', { protocol: 'http/protobuf', url: 'http://localhost:4318/v1/traces' }],
  ['http://localhost:4318', { protocol: 'http/protobuf', url: 'http://localhost:4318/v1/traces' }],
  ['http://localhost:4318/v1/traces', { protocol: 'http/protobuf', url: 'http://localhost:4318/v1/traces' }],
  [
    'https://jaeger.example.com/v1/traces',
    { protocol: 'http/protobuf', url: 'https://jaeger.example.com/v1/traces' },
  ],
];

describe('jaegerEndpoint', () => {
  it.each(THRIFT)('speaks Thrift to %s', (jaegerEndpoint, target) => {
    const { traces } = resolve({ jaegerEndpoint });
    expect([traces.jaeger, traces.otlp]).toEqual([[target], []]);
  });

  it.each(OTLP)('speaks OTLP to %s, for traces only and without headers', (jaegerEndpoint, target) => {
    const config = resolve({ jaegerEndpoint }, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret' });
    expect([config.traces.jaeger, config.traces.otlp]).toEqual([[], [{ ...target, headers: {} }]]);
    expect([config.metrics.otlp, config.logs.otlp]).toEqual([[], []]);
  });

  it.each([...THRIFT, ...OTLP])('means the same in OTEL_EXPORTER_JAEGER_ENDPOINT: %s', (endpoint) => {
    const { traces, warnings } = resolve({}, { OTEL_EXPORTER_JAEGER_ENDPOINT: endpoint });
    const inCode = resolve({ jaegerEndpoint: endpoint }).traces;
    expect([traces.jaeger, traces.otlp, warnings]).toEqual([inCode.jaeger, inCode.otlp, []]);
  });

  it('wins over OTEL_EXPORTER_JAEGER_ENDPOINT', () => {
    const { traces } = resolve({ jaegerEndpoint: 'code' }, { OTEL_EXPORTER_JAEGER_ENDPOINT: 'env' });
    expect(traces.jaeger).toEqual([udp('compact', 'code', 6831)]);
  });

  it('is a second destination beside otlpEndpoint', () => {
    const { traces } = resolve({ jaegerEndpoint: 'jaeger:4317', otlpEndpoint: 'http://collector:4318' });
    expect(traces.otlp.map(({ url }) => url)).toEqual([
      'http://collector:4318/v1/traces',
      'http://jaeger:4317',
    ]);
  });

  it('is left out when otlpEndpoint is the same receiver, whose headers stay', () => {
    const { traces } = resolve({
      jaegerEndpoint: 'http://localhost:4318',
      otlpEndpoint: 'localhost:4318',
      otlpHeaders: { a: 'b' },
    });
    expect(traces.otlp).toEqual([
      { url: 'http://localhost:4318/v1/traces', protocol: 'http/protobuf', headers: { a: 'b' } },
    ]);
  });
});
