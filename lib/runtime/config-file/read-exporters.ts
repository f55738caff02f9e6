import { withoutUndefined } from '../../config/declare-options.js';
import { type EndpointAddress, endpointUrl } from '../../config/endpoints.js';
import { isHeaderName, isHeaderValue, parseKeyValueList } from '../../config/environment.js';
import type { BatchLimits } from '../../config/limits.js';
import {
  grpcUrl,
  OTLP_GRPC_PORT,
  OTLP_HTTP_PORT,
  type OtlpExporterSettings,
  type OtlpTarget,
  parseOtlpEndpoint,
  type Signal,
} from '../../config/otlp.js';
import type { ConfigNode } from './config-node.js';

/** The exporters of one signal. */
export interface FileExporters {
  readonly otlp: OtlpTarget[];
  /** Whether it is printed to standard output. */
  readonly console: boolean;
}

/** Reads the `processors` of spans or log records: each has one exporter. */
export function readProcessors(provider: ConfigNode, signal: 'traces' | 'logs'): FileExporters {
  const exporters: (OtlpTarget | 'console' | undefined)[] = provider
    .at('processors')
    .list()
    .map((processor) => readProcessor(processor, signal));
  return {
    otlp: exporters.filter((exporter) => typeof exporter === 'object'),
    console: exporters.includes('console'),
  };
}

function readProcessor(processor: ConfigNode, signal: 'traces' | 'logs'): OtlpTarget | 'console' | undefined {
  const [kind, settings] = processor.choice() ?? [];
  if (kind === undefined || settings === undefined) return undefined;
  // Both send what has ended; `simple` does not wait for more.
  if (kind === 'batch') return readExporter(settings.at('exporter'), signal, { batch: readBatch(settings) });
  if (kind === 'simple')
    return readExporter(settings.at('exporter'), signal, { batch: { scheduledDelayMillis: 0 } });
  settings.refuse('Write batch or simple, or pass the processor in code.');
  return undefined;
}

function readBatch(settings: ConfigNode): BatchLimits {
  const limits = {
    maxQueueSize: settings.at('max_queue_size').number(),
    maxExportBatchSize: settings.at('max_export_batch_size').number(),
    scheduledDelayMillis: settings.at('schedule_delay').number(),
    exportTimeoutMillis: readTimeout(settings.at('export_timeout')),
  };
  return withoutUndefined(limits);
}

/** Reads an exporter by OTLP, or `console` where that can be had. */
export function readExporter(
  exporter: ConfigNode,
  signal: Signal,
  common: OtlpExporterSettings,
): OtlpTarget | 'console' | undefined {
  const [kind, settings] = exporter.choice() ?? [];
  if (kind === undefined || settings === undefined) return undefined;
  if (kind === 'otlp_http' || kind === 'otlp_grpc') return readOtlp(settings, kind, signal, common);
  if (kind === 'console' && signal === 'traces') return 'console';
  settings.refuse(
    kind === 'console' && signal === 'logs'
      ? 'Log lines are written to standard output anyway: leave it out.'
      : `Write otlp_http or otlp_grpc, or pass ${PASSED[signal]} in code.`,
  );
  return undefined;
}

const PASSED: Record<Signal, string> = {
  traces: 'a span processor (spanProcessors)',
  metrics: 'a metric reader (metricReaders)',
  logs: 'a log record processor (logRecordProcessors)',
};

function readOtlp(
  settings: ConfigNode,
  kind: 'otlp_http' | 'otlp_grpc',
  signal: Signal,
  common: OtlpExporterSettings,
): OtlpTarget | undefined {
  const isGrpc = kind === 'otlp_grpc';
  const address = readAddress(settings.at('endpoint'), isGrpc ? OTLP_GRPC_PORT : OTLP_HTTP_PORT, signal);
  const tls = settings.at('tls');
  const isInsecure = isGrpc && tls.at('insecure').flag() === true;
  const own = withoutUndefined({
    timeoutMs: readTimeout(settings.at('timeout')),
    compression: readCompression(settings.at('compression')),
    caFile: tls.at('ca_file').text(),
    certFile: tls.at('cert_file').text(),
    keyFile: tls.at('key_file').text(),
    temporality: signal === 'metrics' ? readTemporality(settings.at('temporality_preference')) : undefined,
  });
  if (signal === 'metrics') accept(settings.at('default_histogram_aggregation'), 'explicit_bucket_histogram');
  const headers = readHeaders(settings);
  const encoding = isGrpc ? undefined : settings.at('encoding').text();
  if (address === undefined) return undefined;
  // The schema asks for TLS where an address of gRPC has no scheme.
  const scheme = address.scheme ?? (isGrpc && !isInsecure ? 'https' : 'http');
  const found = { ...address, scheme };
  return Object.freeze({
    url: isGrpc ? grpcUrl(found) : endpointUrl(found, OTLP_HTTP_PORT, found.path === '' ? '/' : found.path),
    protocol: isGrpc ? 'grpc' : encoding === 'json' ? 'http/json' : 'http/protobuf',
    headers,
    settings: Object.freeze({ ...common, ...own }),
  });
}

function readAddress(endpoint: ConfigNode, port: number, signal: Signal): EndpointAddress | undefined {
  const path = port === OTLP_GRPC_PORT ? '' : `/v1/${signal}`;
  const { value, remedy } = parseOtlpEndpoint(endpoint.text() ?? `http://localhost:${port}${path}`);
  if (remedy !== undefined) endpoint.refuse(remedy);
  // Without a port and a scheme, the port of OTLP and not that of HTTPS is meant.
  return value && { ...value, port: value.port ?? (value.scheme === undefined ? port : undefined) };
}

function readHeaders(settings: ConfigNode): Readonly<Record<string, string>> {
  const listed = settings.at('headers_list');
  const { value: common = {}, remedy } = parseKeyValueList(listed.text() ?? '');
  if (remedy !== undefined) listed.refuse(remedy);
  const headers: Record<string, string> = { ...common };
  for (const entry of settings.at('headers').list()) {
    const name = entry.at('name').text();
    const value = entry.at('value').raw();
    if (name === undefined || value === null || value === undefined) continue;
    if (typeof value === 'string' && isHeaderName(name) && isHeaderValue(value)) headers[name] = value;
    else entry.refuse('Write a name and a text that HTTP allows in a header.');
  }
  return Object.freeze(headers);
}

/** The longest time that a timer of Node.js can wait. */
const UNLIMITED_MS = 2 ** 31 - 1;

/** In the file, 0 is no limit. */
export function readTimeout(timeout: ConfigNode): number | undefined {
  const value = timeout.number();
  return value === 0 ? UNLIMITED_MS : value;
}

function readCompression(compression: ConfigNode): 'gzip' | 'none' | undefined {
  const value = compression.text();
  if (value === undefined || value === 'gzip' || value === 'none') return value;
  compression.refuse('Write gzip or none.');
  return undefined;
}

function readTemporality(preference: ConfigNode): OtlpExporterSettings['temporality'] {
  const value = preference.text();
  if (value === 'cumulative' || value === 'delta') return value;
  return value === 'low_memory' ? 'lowmemory' : undefined;
}

/** Takes a setting that has one value here. */
export function accept(setting: ConfigNode, only: string | boolean): void {
  const value = setting.text() ?? setting.flag();
  if (value !== undefined && value !== only) setting.refuse(`Leave it out: it is always ${String(only)}.`);
}
