import type { DashboardConfig } from './dashboard.js';
import type { IdentityConfig } from './identity.js';
import type { InstrumentationConfig } from './instrumentation.js';
import type { LimitConfig } from './limits.js';
import type { LogConfig, LoggingConfig } from './logging.js';
import type { MetricConfig } from './metrics.js';
import type { Instrumentation } from './otel-instrumentation.interface.js';
import type { ProcessEventsConfig } from './process-events.js';
import type { PropagationConfig } from './propagation.js';
import type { RedactionConfig } from './redaction.js';
import type { StoreConfig } from './store.js';
import type { TelemetryEngine } from './telemetry-options.js';
import type { TraceConfig } from './traces.js';

/** The configuration that the rest of the library reads: every option decided, none optional that has a default. Frozen. */
export interface TelemetryConfig extends IdentityConfig, PropagationConfig {
  readonly enabled: boolean;
  readonly engine: TelemetryEngine;
  /** Whether the start is checked for what keeps telemetry from arriving. */
  readonly startCheck: boolean;
  readonly traces: TraceConfig;
  readonly metrics: MetricConfig;
  readonly logs: LogConfig;
  readonly redaction: RedactionConfig;
  readonly logging: LoggingConfig;
  /** undefined: the dashboard is not served. */
  readonly dashboard: DashboardConfig | undefined;
  /** undefined: no telemetry is stored. */
  readonly store: StoreConfig | undefined;
  readonly instrumentation: InstrumentationConfig;
  readonly instrumentations: readonly Instrumentation[];
  readonly processEvents: ProcessEventsConfig;
  readonly shutdownTimeoutMs: number;
  readonly limits: LimitConfig;
  /** Problems with environment variables, which are ignored; logged once when the runtime starts. */
  readonly warnings: readonly string[];
}
