import { type TelemetryOptions } from '../../lib/config/telemetry-options.js';
import { resolve } from './resolve.js';

const urls = (options: TelemetryOptions, env: NodeJS.ProcessEnv = {}) => {
  const { traces, metrics, logs } = resolve(options, env);
  return [traces, metrics, logs].map(({ otlp }) => otlp.map(({ url, protocol }) => `${protocol} ${url}`));
};

const onHttp = (base: string, protocol = 'http/protobuf') => [
  [`${protocol} ${base}/v1/traces`],
  [`${protocol} ${base}/v1/metrics`],
  [`${protocol} ${base}/v1/logs`],
];

const onGrpc = (origin: string) => [[`grpc ${origin}`], [`grpc ${origin}`], [`grpc ${origin}`]];

const SPELLINGS: [string, string[][]][] = [
  ['localhost:4317', onGrpc('http://localhost:4317')],
  ['http://localhost:4317', onGrpc('http://localhost:4317')],
  ['https://collector:4317', onGrpc('https://collector:4317')],
  ['http://collector:4317/ignored', onGrpc('http://collector:4317')],
  ['[::1]:4317', onGrpc('http://[::1]:4317')],
  ['localhost:4318', onHttp('http://localhost:4318')],
  ['http://collector:4318', onHttp('http://collector:4318')],
  ['http://collector:4318/', onHttp('http://collector:4318')],
  ['HTTP://Collector:4318', onHttp('http://collector:4318')],
  ['  localhost:4318  ', onHttp('http://localhost:4318')],
  ['collector', onHttp('http://collector:4318')],
  ['https://otlp.example.com', onHttp('https://otlp.example.com')],
  ['https://otlp.example.com/base/path', onHttp('https://otlp.example.com/base/path')],
  ['http://collector:80', onHttp('http://collector:80')],
  ['http://collector:4318/v1/traces', onHttp('http://collector:4318')],
  ['http://127.0.0.1:9999', onHttp('http://127.0.0.1:9999')],
];

describe('otlpEndpoint', () => {
  it.each(SPELLINGS)('understands %s', (otlpEndpoint, expected) => {
    expect(urls({ otlpEndpoint })).toEqual(expected);
  });

  it.each(SPELLINGS)('understands %s in OTEL_EXPORTER_OTLP_ENDPOINT', (endpoint, expected) => {
    expect(urls({}, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual(expected);
  });

  it('keeps a query behind the path of the signal', () => {
    expect(resolve({ otlpEndpoint: 'https://otlp.example.com/in?tenant=a' }).traces.otlp[0]?.url).toBe(
      'https://otlp.example.com/in/v1/traces?tenant=a',
    );
  });

  it('wins over every variable that names an address', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://env:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4318/x',
    };
    expect(urls({ otlpEndpoint: 'http://code:4318' }, env)).toEqual(onHttp('http://code:4318'));
  });
});

describe('the addresses of single signals', () => {
  it('are used as they are, and only for their signal', () => {
    expect(urls({}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4318/custom' })).toEqual([
      ['http/protobuf http://traces:4318/custom'],
      [],
      [],
    ]);
  });

  it.each([
    ['traces:4318', 'http/protobuf http://traces:4318/'],
    ['traces:4317', 'grpc http://traces:4317'],
    ['https://traces', 'http/protobuf https://traces/'],
  ])('may be written as %s', (endpoint, expected) => {
    expect(urls({}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint })[0]).toEqual([expected]);
  });

  it('win over the common address', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics:4318/m',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs:4318/l',
    };
    expect(urls({}, env)).toEqual([
      ['http/protobuf http://all:4318/v1/traces'],
      ['http/protobuf http://metrics:4318/m'],
      ['http/protobuf http://logs:4318/l'],
    ]);
  });
});

describe('otlpProtocol', () => {
  it('wins over what the port suggests', () => {
    expect(urls({ otlpEndpoint: 'localhost:4317', otlpProtocol: 'http/json' })).toEqual(
      onHttp('http://localhost:4317', 'http/json'),
    );
    expect(urls({ otlpEndpoint: 'localhost:4318', otlpProtocol: 'grpc' })).toEqual(
      onGrpc('http://localhost:4318'),
    );
  });

  it.each([
    ['collector', 'http://collector:4317'],
    ['http://collector', 'http://collector:4317'],
    ['https://collector', 'https://collector:443'],
  ])('gives gRPC to %s a port', (otlpEndpoint, expected) => {
    expect(urls({ otlpEndpoint, otlpProtocol: 'grpc' })).toEqual(onGrpc(expected));
  });

  it('prefers code to the variable of the signal, and that to the common one', () => {
    const env = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
    };
    expect(urls({ otlpEndpoint: 'http://c:4318' }, env)).toEqual([
      ['grpc http://c:4318'],
      ['http/json http://c:4318/v1/metrics'],
      ['http/protobuf http://c:4318/v1/logs'],
    ]);
    expect(urls({ otlpEndpoint: 'http://c:4318', otlpProtocol: 'http/json' }, env)).toEqual(
      onHttp('http://c:4318', 'http/json'),
    );
  });

  it('of one metric signal comes from its own variable', () => {
    const env = { OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json' };
    expect(urls({ otlpEndpoint: 'http://c:4318' }, env)[1]).toEqual(['http/json http://c:4318/v1/metrics']);
  });
});

describe('otlpHeaders', () => {
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20abc%3D, x-tenant = common ,x-a=1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=traces',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x-tenant=metrics',
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'x-tenant=logs',
  };

  it('merge by name: code over the signal, the signal over the common ones', () => {
    const config = resolve({ otlpEndpoint: 'c', otlpHeaders: { 'x-a': 'code' } }, env);
    const common = { authorization: 'Basic abc=', 'x-a': 'code' };
    expect(config.traces.otlp[0]?.headers).toEqual({ ...common, 'x-tenant': 'traces' });
    expect(config.metrics.otlp[0]?.headers).toEqual({ ...common, 'x-tenant': 'metrics' });
    expect(config.logs.otlp[0]?.headers).toEqual({ ...common, 'x-tenant': 'logs' });
  });
});

describe('OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and OTEL_LOGS_EXPORTER', () => {
  it('send by OTLP to the local receiver when they ask for it and nothing names an address', () => {
    const asked = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' };
    expect(urls({}, asked)).toEqual(onHttp('http://localhost:4318'));
    expect(urls({}, { ...asked, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual(
      onGrpc('http://localhost:4317'),
    );
  });

  it('empty every destination when they are none', () => {
    const none = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const config = resolve({ otlpEndpoint: 'c:4317', jaegerEndpoint: 'j' }, none);
    expect([config.traces.otlp, config.traces.jaeger, config.metrics.otlp, config.logs.otlp]).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });

  it('print spans when console is listed, unless code sets another exporter', () => {
    expect(resolve({}, { OTEL_TRACES_EXPORTER: 'console' }).traces.console).toBe(true);
    expect(resolve({ enableConsole: false }, { OTEL_TRACES_EXPORTER: 'console' }).traces.console).toBe(false);
    expect(resolve({ enableConsole: true }, { OTEL_TRACES_EXPORTER: 'none' }).traces.console).toBe(true);
  });

  it('pick among the destinations that have an address', () => {
    const { traces } = resolve(
      { otlpEndpoint: 'c:4317', jaegerEndpoint: 'j' },
      { OTEL_TRACES_EXPORTER: 'jaeger' },
    );
    expect([traces.otlp.length, traces.jaeger.length]).toEqual([0, 1]);
  });

  it('send to the local Jaeger when it is asked for and nothing names an address', () => {
    expect(resolve({}, { OTEL_TRACES_EXPORTER: 'jaeger' }).traces.jaeger).toEqual([
      { transport: 'udp', protocol: 'compact', host: 'localhost', port: 6831 },
    ]);
  });
});

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
