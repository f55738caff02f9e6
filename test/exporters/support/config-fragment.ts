import { resolveInstrumentation } from '../../../lib/config/instrumentation.js';
import { resolveIncoming } from '../../../lib/config/propagation.js';
import { type TelemetryConfig } from '../../../lib/config/telemetry-config.interface.js';
import { INSTRUMENTATIONS } from '../../../lib/instrumentation/registry.js';

/** A resolved configuration that sends nothing anywhere, save what the parts say. */
export function telemetryConfig(parts: {
  engine?: TelemetryConfig['engine'];
  traces?: Partial<TelemetryConfig['traces']>;
  metrics?: Partial<TelemetryConfig['metrics']>;
  logs?: Partial<TelemetryConfig['logs']>;
  limits?: Partial<TelemetryConfig['limits']>;
}): TelemetryConfig {
  return {
    enabled: true,
    engine: parts.engine ?? 'fast',
    serviceName: 'orchestrator',
    serviceVersion: '1.2.3',
    environment: 'test',
    resourceAttributes: {},
    traces: {
      otlp: [],
      jaeger: [],
      console: false,
      sampler: { name: 'always_on', ratio: 1 },
      rules: [],
      keep: undefined,
      batch: {},
      limits: {},
      processors: [],
      ...parts.traces,
    },
    metrics: {
      otlp: [],
      exportIntervalMillis: 60_000,
      exportTimeoutMillis: 30_000,
      exemplars: false,
      cardinality: { limit: 2_000, limits: {} },
      prometheus: undefined,
      readers: [],
      views: [],
      ...parts.metrics,
    },
    logs: { otlp: [], batch: {}, attributeValueLength: 16_384, processors: [], ...parts.logs },
    redaction: { disable: false, keys: [], patterns: [], replace: '[Redacted]', errorProperties: [] },
    logging: {
      enabled: false,
      level: 'info',
      format: 'json',
      formatIsChosen: true,
      redact: [],
      nestLogger: false,
      requestLog: false,
      spanEvents: false,
      destination: undefined,
      pino: {},
    },
    dashboard: undefined,
    store: undefined,
    instrumentation: resolveInstrumentation(INSTRUMENTATIONS, false),
    instrumentations: [],
    propagation: { incoming: resolveIncoming(undefined, undefined) },
    propagators: [],
    processEvents: { signals: false, signalTimeoutMs: 1_000, uncaught: false, spool: undefined },
    shutdownTimeoutMs: 5_000,
    limits: { queueBytes: 32 * 2 ** 20, ...parts.limits },
    warnings: [],
  };
}
