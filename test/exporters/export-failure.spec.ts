import { describeError, explainExportFailure } from '../../lib/exporters/export-failure.js';
import type { ExporterDestination } from '../../lib/exporters/exporter-report.js';

function otlp(protocol: ExporterDestination['protocol'], endpoint: string): ExporterDestination {
  return { signal: 'logs', protocol, name: `OTLP ${protocol}`, endpoint };
}

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

describe('explainExportFailure()', () => {
  it('gives the reason and the remedy', () => {
    expect(explainExportFailure(otlp('grpc', 'http://collector:4317'), refused)).toMatchObject({
      reason: 'connect ECONNREFUSED',
      remedy: expect.stringMatching(/^Is a collector running/) as unknown,
    });
  });

  it('suggests gRPC when HTTP was sent to port 4317', () => {
    expect(
      explainExportFailure(otlp('http/protobuf', 'http://collector:4317/v1/logs'), refused).remedy,
    ).toContain(
      "Port 4317 speaks gRPC: set otlpProtocol / OTEL_EXPORTER_OTLP_PROTOCOL to 'grpc', or use port 4318.",
    );
  });

  it('suggests HTTP when gRPC was sent to port 4318', () => {
    expect(explainExportFailure(otlp('grpc', 'http://collector:4318'), refused).remedy).toContain(
      "Port 4318 speaks HTTP: set otlpProtocol / OTEL_EXPORTER_OTLP_PROTOCOL to 'http/protobuf', or use port 4317.",
    );
  });

  it('suggests the headers when access is refused', () => {
    const unauthenticated = new Error('16 UNAUTHENTICATED: no token');

    expect(explainExportFailure(otlp('grpc', 'http://collector:4317'), unauthenticated).remedy).toContain(
      'Check otlpHeaders',
    );
  });

  it.each([
    ['http://collector:6831/v1/logs', refused, 'Port 6831 receives Thrift over UDP'],
    ['http://collector:16686/v1/logs', new Error('HTTP 500'), "Port 16686 is Jaeger's user interface"],
    ['http://collector:4318/logs', new Error('HTTP 404 Not Found'), 'Check the path'],
    [
      'http://collector:9000/v1/logs',
      new Error('Parse Error: Expected HTTP/'),
      'Another protocol is spoken there',
    ],
  ])('names what is wrong with %s: %s', (endpoint, error, remedy) => {
    expect(explainExportFailure(otlp('http/protobuf', endpoint), error).remedy).toContain(remedy);
  });

  it.each([
    ['jaeger-udp', 'udp://localhost:6831', '6831 takes compact Thrift, 6832 binary'],
    ['jaeger-http', 'http://localhost:14268/api/traces', 'http://host:14268/api/traces'],
  ] as const)('names the ports of Jaeger for %s', (protocol, endpoint, remedy) => {
    expect(explainExportFailure(otlp(protocol, endpoint), refused).remedy).toContain(remedy);
  });
});

describe('describeError()', () => {
  it('gives each distinct reason of a connection that was tried on several addresses', () => {
    const both = new AggregateError([
      new Error('connect ECONNREFUSED ::1:4318'),
      new Error('refused'),
      new Error('refused'),
    ]);

    expect(describeError(both)).toBe('connect ECONNREFUSED ::1:4318, refused');
  });

  it('gives the code of an error without a message', () => {
    expect(describeError(Object.assign(new Error(''), { code: 'EPIPE' }))).toBe('EPIPE');
  });

  it('gives the status of an HTTP answer', () => {
    expect(describeError(Object.assign(new Error('Not Found'), { code: 404 }))).toBe('HTTP 404 Not Found');
  });
});
