import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import { AggregationType, InstrumentType } from '@opentelemetry/sdk-metrics';
import { ParentBasedSampler, SamplingDecision } from '@opentelemetry/sdk-trace';
import {
  configureTelemetry,
  getTelemetry,
  type TelemetryHandle,
  type TelemetryOptions,
} from 'nestjs-telemetry';

import { type TelemetryConfig } from '../../lib/config/telemetry-config.interface.js';
import { resetWarnings } from '../../lib/errors/warnings.js';
import { readConfigFile } from '../../lib/runtime/config-file/read-config-file.js';
import { resolve } from '../config/resolve.js';
import { closeReceivers, startGrpcReceiver, startHttpReceiver } from '../exporters/otlp/otlp-receiver.js';
import { collectWarnings } from '../exporters/support/collect-warnings.js';
import { canMakeCertificates, makeCertificate } from '../support/certificate.js';
import { eventually } from '../support/eventually.js';
import { FaultyCollector } from '../support/faulty-collector.js';

const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-config-'));
const path = join(folder, 'otel.yaml');
const HEAD = 'file_format: "1.0"\n';

function resolveFile(
  yaml: string,
  options: TelemetryOptions = {},
  env: NodeJS.ProcessEnv = {},
): TelemetryConfig {
  writeFileSync(path, yaml.startsWith('file_format') ? yaml : HEAD + yaml);
  return resolve(options, { ...env, OTEL_CONFIG_FILE: path }, { readConfigFile });
}

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a configuration file of OpenTelemetry', () => {
  it('sets resource, propagators, limits, level and sampler', () => {
    const config = resolveFile(`
log_level: warn2
resource:
  attributes:
    - { name: service.name, value: orders }
    - { name: service.version, value: 1.2.3 }
    - { name: deployment.environment.name, value: staging }
    - { name: team.members, value: [ann, bob], type: string_array }
    - { name: replicas, value: 3, type: int }
  attributes_list: team=checkout,replicas=1
  detection/development:
    detectors: [{ host: }, { process: }, { service: }]
propagator:
  composite: [{ tracecontext: }, { b3: }]
  composite_list: b3,baggage
attribute_limits: { attribute_count_limit: 40, attribute_value_length_limit: 100 }
tracer_provider:
  processors: [{ simple: { exporter: { console: } } }]
  limits: { event_count_limit: 5, link_count_limit: 6, attribute_value_length_limit: 50 }
  id_generator: { random: }
  sampler:
    parent_based:
      root: { trace_id_ratio_based: { ratio: 0.25 } }
      remote_parent_sampled: { always_on: }
      local_parent_not_sampled: { always_off: }
`);
    expect(config).toMatchObject({
      serviceName: 'orders',
      serviceVersion: '1.2.3',
      environment: 'staging',
      resourceAttributes: { team: 'checkout', 'team.members': ['ann', 'bob'], replicas: 3 },
      propagators: ['tracecontext', 'b3', 'baggage'],
      logging: { level: 'warn' },
      traces: {
        sampler: { name: 'parentbased_traceidratio', ratio: 0.25 },
        limits: {
          attributeCountLimit: 40,
          attributeValueLengthLimit: 50,
          eventCountLimit: 5,
          linkCountLimit: 6,
        },
      },
      logs: { attributeCount: 40, attributeValueLength: 100 },
      warnings: [],
    });
  });

  it('can be written as docs/config-file.md shows it', () => {
    const page = readFileSync(join(__dirname, '../../docs/config-file.md'), 'utf8');
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const { warnings, serviceName, traces, metrics } = resolveFile(yaml);
    expect({
      warnings,
      serviceName,
      keep: traces.keep?.slowerThanMs,
      path: metrics.prometheus?.path,
    }).toEqual({
      warnings: [],
      serviceName: 'orders',
      keep: 500,
      path: '/metrics',
    });
  });

  it('sets any number of exporters, each with its own batch, headers and TLS', () => {
    const config = resolveFile(`
tracer_provider:
  processors:
    - batch:
        max_queue_size: 100
        max_export_batch_size: 10
        schedule_delay: 200
        export_timeout: 0
        exporter:
          otlp_http:
            endpoint: https://collector.example.com/base/v1/traces
            compression: gzip
            timeout: 3000
            headers_list: x-team=orders,authorization=of%20the%20list
            headers: [{ name: authorization, value: Bearer secret }, { name: ignored, value: }]
            tls: { ca_file: /etc/ca.pem, cert_file: /etc/cert.pem, key_file: /etc/key.pem }
    - simple: { exporter: { otlp_grpc: { endpoint: "collector:4317", tls: { insecure: true } } } }
    - simple: { exporter: { console: } }
logger_provider:
  processors: [{ batch: { exporter: { otlp_grpc: } } }]
`);
    expect(config.traces.otlp).toEqual([
      {
        url: 'https://collector.example.com/base/v1/traces',
        protocol: 'http/protobuf',
        headers: { 'x-team': 'orders', authorization: 'Bearer secret' },
        settings: {
          batch: {
            maxQueueSize: 100,
            maxExportBatchSize: 10,
            scheduledDelayMillis: 200,
            exportTimeoutMillis: 2 ** 31 - 1,
          },
          compression: 'gzip',
          timeoutMs: 3_000,
          caFile: '/etc/ca.pem',
          certFile: '/etc/cert.pem',
          keyFile: '/etc/key.pem',
        },
      },
      {
        url: 'http://collector:4317',
        protocol: 'grpc',
        headers: {},
        settings: { batch: { scheduledDelayMillis: 0 } },
      },
    ]);
    expect(config.traces.console).toBe(true);
    expect(config.logs.otlp).toMatchObject([{ url: 'http://localhost:4317', protocol: 'grpc' }]);
    expect(config.warnings).toEqual([]);
  });

  it('sends by gRPC over TLS to an address without a scheme, as the schema says', () => {
    const { traces } = resolveFile(
      'tracer_provider: { processors: [{ simple: { exporter: { otlp_grpc: { endpoint: collector } } } }] }',
    );
    expect(traces.otlp).toMatchObject([{ url: 'https://collector:4317' }]);
  });

  it('sets metric readers, views, exemplars and the endpoint for Prometheus', () => {
    const { metrics, warnings } = resolveFile(`
meter_provider:
  exemplar_filter: always_off
  readers:
    - periodic:
        interval: 5000
        timeout: 1000
        cardinality_limits: { default: 50 }
        exporter: { otlp_http: { encoding: json, temporality_preference: low_memory } }
    - pull: { exporter: { prometheus/development: { host: 0.0.0.0 } } }
  views:
    - selector: { instrument_name: http.*, instrument_type: histogram, meter_name: orders }
      stream:
        name: renamed
        aggregation: { explicit_bucket_histogram: { boundaries: [1, 2, 3], record_min_max: false } }
        attribute_keys: { included: [http.route] }
    - selector: { instrument_name: noise }
      stream: { aggregation: { drop: } }
`);
    expect(metrics).toMatchObject({
      otlp: [
        {
          url: 'http://localhost:4318/v1/metrics',
          protocol: 'http/json',
          settings: { exportIntervalMillis: 5_000, exportTimeoutMillis: 1_000, temporality: 'lowmemory' },
        },
      ],
      prometheus: { host: '0.0.0.0', port: 9_464, path: '/metrics' },
      exemplars: false,
      cardinality: { limit: 50 },
      views: [
        {
          instrumentName: 'http.*',
          instrumentType: InstrumentType.HISTOGRAM,
          meterName: 'orders',
          name: 'renamed',
          aggregation: {
            type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
            options: { boundaries: [1, 2, 3], recordMinMax: false },
          },
          attributesProcessors: [expect.anything()],
        },
        { instrumentName: 'noise', aggregation: { type: AggregationType.DROP } },
      ],
    });
    expect(warnings).toEqual([]);
  });

  it('builds a sampler that has no name among those of the environment', () => {
    const { traces } = resolveFile(
      `
tracer_provider:
  processors: [{ simple: { exporter: { console: } } }]
  sampler: { parent_based: { remote_parent_sampled: { always_off: } } }
`,
    );
    expect(traces.sampler).toBeInstanceOf(ParentBasedSampler);
  });

  it('writes the sampling probability of a ratio into what is sampled, also below other choices for parents', () => {
    const { traces, warnings } = resolveFile(`
tracer_provider:
  processors: [{ simple: { exporter: { console: } } }]
  sampler:
    parent_based:
      root: { trace_id_ratio_based: { ratio: 0.5 } }
      remote_parent_not_sampled: { always_on: }
`);
    expect(warnings).toEqual([]);
    const sampler = traces.sampler as ParentBasedSampler;
    const sample = (traceId: string) =>
      sampler.shouldSample(ROOT_CONTEXT, traceId, 'work', SpanKind.INTERNAL, {}, []);
    expect(sample('f'.repeat(32))).toMatchObject({ decision: SamplingDecision.RECORD_AND_SAMPLED });
    expect(sample('f'.repeat(32)).traceState?.serialize()).toBe('ot=th:8');
    const unlikely = `${'f'.repeat(16)}${'0'.repeat(16)}`;
    expect(sample(unlikely).decision).toBe(SamplingDecision.NOT_RECORD);
    // The caller did not sample it by its threshold, which must not be kept for a span that is recorded all the same.
    const caller = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: unlikely,
      spanId: '1'.repeat(16),
      traceFlags: TraceFlags.NONE,
      isRemote: true,
      traceState: new TraceState('ot=th:8'),
    });
    const below = sampler.shouldSample(caller, unlikely, 'work', SpanKind.INTERNAL, {}, []);
    expect(below.decision).toBe(SamplingDecision.RECORD_AND_SAMPLED);
    expect(below.traceState?.get('ot')).toBeUndefined();
  });

  it('switches off what it leaves out: exporters, propagators, Prometheus', () => {
    const config = resolveFile('disabled: false\n', {}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://elsewhere' });
    expect(config.enabled).toBe(true);
    expect([config.traces.otlp, config.metrics.otlp, config.logs.otlp, config.propagators]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(config.metrics.prometheus).toBeUndefined();
    expect(resolveFile('disabled: true\n').enabled).toBe(false);
  });

  it('replaces variables that begin with OTEL_, except where it refers to them, and no others', () => {
    process.env.CONFIG_FILE_SPEC_NAME = 'substituted';
    try {
      const config = resolveFile(
        'resource: { attributes: [{ name: service.name, value: "${CONFIG_FILE_SPEC_NAME}-${MISSING:-api}" }] }\n',
        {},
        {
          OTEL_SERVICE_NAME: 'ignored',
          OTEL_TRACES_SAMPLER: 'always_off',
          OTEL_RESOURCE_ATTRIBUTES: 'team=ignored',
          K8S_POD_NAME: 'orders-1',
          TELEMETRY_QUEUE_BYTES: '1000',
          NODE_ENV: 'production',
        },
      );
      expect(config).toMatchObject({
        serviceName: 'substituted-api',
        environment: 'production',
        traces: { sampler: { name: 'parentbased_always_on' } },
        limits: { queueBytes: 1_000 },
      });
      expect(config.resourceAttributes).toEqual({ 'k8s.pod.name': 'orders-1' });
    } finally {
      delete process.env.CONFIG_FILE_SPEC_NAME;
    }
  });

  it('gives way to options in code', () => {
    const yaml = `
resource: { attributes: [{ name: service.name, value: file }, { name: team, value: file }, { name: zone, value: a }] }
propagator: { composite: [{ b3: }] }
tracer_provider:
  sampler: { always_off: }
  processors: [{ simple: { exporter: { otlp_http: { headers: [{ name: x, value: file }, { name: y, value: file }] } } } }]
meter_provider:
  readers:
    - periodic: { interval: 1000, exporter: { otlp_http: } }
    - pull: { exporter: { prometheus/development: { port: 1 } } }
`;
    const config = resolveFile(yaml, {
      serviceName: 'code',
      resourceAttributes: { team: 'code' },
      propagators: ['tracecontext'],
      sampling: { sampler: 'always_on' },
      otlpHeaders: { x: 'code' },
      metricExportIntervalMs: 2_000,
      prometheus: { path: '/scrape' },
    });
    expect(config).toMatchObject({
      serviceName: 'code',
      resourceAttributes: { team: 'code', zone: 'a' },
      propagators: ['tracecontext'],
      traces: { sampler: { name: 'always_on' }, otlp: [{ headers: { x: 'code', y: 'file' } }] },
      metrics: {
        otlp: [{ settings: { exportIntervalMillis: 2_000 } }],
        prometheus: { port: 1, path: '/scrape' },
      },
    });
    expect(resolveFile(yaml, { otlpEndpoint: 'http://code:4318' }).traces.otlp).toEqual([
      { url: 'http://code:4318/v1/traces', protocol: 'http/protobuf', headers: {}, settings: {} },
    ]);
  });

  it.each([
    ['code', (options: TelemetryOptions) => [options, ''] as const],
    [
      'its distribution',
      (options: TelemetryOptions) =>
        [{}, `distribution: { nestjs-telemetry: ${JSON.stringify(options)} }\n`] as const,
    ],
  ])('takes otlpProtocol of %s only for an otlpEndpoint from there', (_where, set) => {
    const yaml =
      'tracer_provider: { processors: [{ simple: { exporter: { otlp_grpc: { endpoint: "http://file:4317" } } } }] }\n';
    const targets = (options: TelemetryOptions): unknown => {
      const [inCode, distribution] = set(options);
      const { warnings, traces } = resolveFile(yaml + distribution, inCode);
      expect(warnings).toEqual([]);
      return traces.otlp;
    };
    expect(targets({ otlpProtocol: 'http/json' })).toMatchObject([
      { url: 'http://file:4317', protocol: 'grpc' },
    ]);
    expect(targets({ otlpProtocol: 'http/json', otlpEndpoint: 'http://code:4318' })).toMatchObject([
      { url: 'http://code:4318/v1/traces', protocol: 'http/json' },
    ]);
    // The protocol of the file does not apply to it either.
    expect(targets({ otlpEndpoint: 'http://code:4318' })).toMatchObject([
      { url: 'http://code:4318/v1/traces', protocol: 'http/protobuf' },
    ]);
  });

  it('takes options of this library under distribution, and names those that are wrong', () => {
    const config = resolveFile(`
distribution:
  another-vendor: { key: value }
  nestjs-telemetry:
    dashboard: false
    enablePrometheus: true
    sampling: { keep: true }
    service_name: orders
`);
    expect(config).toMatchObject({
      dashboard: undefined,
      traces: { keep: { errors: true } },
      metrics: { prometheus: { path: '/metrics' } },
    });
    expect(config.warnings).toEqual([
      'service_name in the file of OTEL_CONFIG_FILE is a string, which cannot be used. ' +
        'There is no such option. Did you mean serviceName?',
    ]);
  });

  it('names in one warning each key without effect, where it stands and what to write', () => {
    const { warnings, traces } = resolveFile(`
resource: { schema_url: https://example.com/schema }
propagator: { composite: [{ xray: }, { tracecontext: }] }
tracer_provider:
  sampler: { jaeger_remote/development: { endpoint: http://localhost, initial_sampler: { always_on: } } }
  processors:
    - batch: { exporter: { otlp_file/development: } }
    - simple: { exporter: { otlp_http: { endpoint: "ftp://collector" } } }
    - simple: { exporter: { otlp_http: { compression: zstd } } }
atribute_limits: { attribute_count_limit: 3 }
`);
    expect(traces.otlp).toHaveLength(1);
    expect(warnings).toHaveLength(1);
    const [warning = ''] = warnings;
    for (const part of [
      `OTEL_CONFIG_FILE in the environment is "${path}", of which this has no effect:`,
      'resource.schema_url (It is not supported here)',
      'propagator.composite[0].xray (Write tracecontext, baggage, b3 or b3multi',
      'tracer_provider.sampler.jaeger_remote/development (Write always_on,',
      'tracer_provider.processors[0].batch.exporter.otlp_file/development (Write otlp_http or otlp_grpc,',
      'tracer_provider.processors[1].simple.exporter.otlp_http.endpoint (Write one of the schemes http, https',
      'tracer_provider.processors[2].simple.exporter.otlp_http.compression (Write gzip or none)',
      'atribute_limits (Did you mean attribute_limits?)',
      'The rest of the file applies.',
    ])
      expect(warning).toContain(part);
  });

  it.each([
    [
      'a key that the schema does not know',
      'tracer_provider: { procesors: [] }',
      'tracer_provider.procesors (Did you mean processors?)',
    ],
    ['a value that the schema does not allow', 'disabled: sometimes', '/disabled must be'],
    [
      'a key that stands twice',
      'disabled: true\ndisabled: false',
      'Map keys must be unique at line 3, column 1',
    ],
    ['another version of the schema', 'file_format: "9.0"', 'This SDK supports schema version 1.x'],
    ['text that is no YAML', 'disabled: [', 'at line 2, column 12'],
  ])('falls back to the environment, with the reason, for %s', (_what, yaml, reason) => {
    const { warnings, serviceName } = resolveFile(yaml, {}, { OTEL_SERVICE_NAME: 'from-environment' });
    expect(serviceName).toBe('from-environment');
    expect(warnings).toEqual([expect.stringMatching(reason.replace(/[()?[\]]/g, '\\$&'))]);
    expect(warnings[0]).toContain('The variables of the environment apply instead.');
  });

  it('says what to do about a file that is missing, and about the former name of the variable', () => {
    const env = { OTEL_CONFIG_FILE: join(folder, 'missing.yaml') };
    expect(resolve({}, env, { readConfigFile }).warnings).toEqual([expect.stringContaining('ENOENT')]);
    expect(resolve({}, { OTEL_EXPERIMENTAL_CONFIG_FILE: path }, { readConfigFile }).warnings).toEqual([
      'OTEL_EXPERIMENTAL_CONFIG_FILE in the environment is not read. Rename it OTEL_CONFIG_FILE.',
    ]);
  });
});

describe('telemetry of a process with OTEL_CONFIG_FILE', () => {
  let telemetry: TelemetryHandle | undefined;
  afterEach(async () => {
    await telemetry?.shutdown();
    await closeReceivers();
    delete process.env.OTEL_CONFIG_FILE;
    resetWarnings();
  });

  it('goes where the file says, compressed and with its headers, over HTTP and gRPC', async () => {
    const [http, grpc] = [await startHttpReceiver(), await startGrpcReceiver()];
    const base = `http://127.0.0.1:${http.port}`;
    const warnings = collectWarnings();
    writeFileSync(
      path,
      `${HEAD}
resource: { attributes: [{ name: service.name, value: from-file }] }
tracer_provider:
  processors:
    - simple:
        exporter:
          otlp_http: { endpoint: ${base}/v1/traces, compression: gzip, headers: [{ name: x-key, value: secret }] }
    - batch: { schedule_delay: 50, exporter: { otlp_grpc: { endpoint: "http://127.0.0.1:${grpc.port}" } } }
logger_provider:
  processors: [{ batch: { schedule_delay: 50, exporter: { otlp_http: { endpoint: ${base}/v1/logs } } } }]
`,
    );
    process.env.OTEL_CONFIG_FILE = path;
    telemetry = configureTelemetry({ logging: { level: 'silent' }, store: false, dashboard: false });
    getTelemetry('file').trace('work', () => undefined);
    const spans = await eventually('spans at both receivers', () =>
      http.requests.length > 0 && grpc.requests.length > 0 ? [http.requests, grpc.requests] : undefined,
    );
    expect(spans[0]?.[0]?.headers).toMatchObject({ 'content-encoding': 'gzip', 'x-key': 'secret' });
    expect(telemetry.config.serviceName).toBe('from-file');
    expect(warnings.messages).toEqual([]);
    warnings.restore();
  });

  const itWithCertificates = canMakeCertificates ? it : it.skip;
  itWithCertificates('trusts the certificate that the file names', async () => {
    const certificate = makeCertificate();
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, certificate.cert);
    const collector = await FaultyCollector.start('http/protobuf', { tls: certificate });
    writeFileSync(
      path,
      `${HEAD}
tracer_provider:
  processors:
    - simple:
        exporter: { otlp_http: { endpoint: "${collector.url}/v1/traces", tls: { ca_file: "${caFile}" } } }
`,
    );
    process.env.OTEL_CONFIG_FILE = path;
    telemetry = configureTelemetry({ logging: { level: 'silent' }, store: false, dashboard: false });
    getTelemetry('file').trace('work', () => undefined);
    await eventually('a span at the collector', () => collector.spanIds.size === 1 || undefined);
    await telemetry.shutdown();
    await collector.close();
  });
});
