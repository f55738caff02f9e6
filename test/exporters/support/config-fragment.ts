import { resolveConfig } from '../../../lib/config/resolve-config.js';
import type { TelemetryConfig } from '../../../lib/config/telemetry-config.interface.js';
import { INSTRUMENTATIONS } from '../../../lib/instrumentation/registry.js';

const SENDS_NOTHING = resolveConfig(
  {
    serviceName: 'orchestrator',
    serviceVersion: '1.2.3',
    environment: 'test',
    sampling: { sampler: 'always_on' },
    enablePrometheus: false,
    exemplars: false,
    logging: false,
    dashboard: false,
    store: false,
    instrumentation: false,
    propagators: [],
    processEvents: false,
  },
  { env: {}, instrumentations: INSTRUMENTATIONS, isTerminal: false },
);

/** A resolved configuration that sends nothing anywhere, except what the parts set. */
export function telemetryConfig(parts: {
  engine?: TelemetryConfig['engine'];
  traces?: Partial<TelemetryConfig['traces']>;
  metrics?: Partial<TelemetryConfig['metrics']>;
  logs?: Partial<TelemetryConfig['logs']>;
  limits?: Partial<TelemetryConfig['limits']>;
}): TelemetryConfig {
  return {
    ...SENDS_NOTHING,
    engine: parts.engine ?? SENDS_NOTHING.engine,
    traces: { ...SENDS_NOTHING.traces, ...parts.traces },
    metrics: { ...SENDS_NOTHING.metrics, ...parts.metrics },
    logs: { ...SENDS_NOTHING.logs, ...parts.logs },
    limits: { ...SENDS_NOTHING.limits, ...parts.limits },
  };
}
