/* eslint-disable @typescript-eslint/no-deprecated -- deprecated names stay exported until the next major version */
export { BaseService } from './module/inject-telemetry.js';
export { configureTelemetry } from './module/start-telemetry.js';
export { getTelemetry } from './module/inject-telemetry.js';
export { InjectTelemetry } from './module/inject-telemetry.js';
export { Observed, type ObservedOptions } from './module/observed.decorator.js';
export { type RunningTelemetry, type TelemetryHandle } from './runtime/sdk-runtime.js';
export { type FlushOptions } from './runtime/sdk-runtime.js';
export {
  TELEMETRY,
  TELEMETRY_HANDLE,
  TELEMETRY_MODULE_OPTIONS,
  TELEMETRY_OPTIONS,
} from './module/telemetry-core.module.js';
export { TelemetryModule } from './module/telemetry.module.js';
export { type TelemetryAsyncOptions } from './module/telemetry-core.module.js';
export { type ChangeOptions, type TelemetryControl } from './module/run-time-control.js';
export {
  type TelemetryHealth,
  TelemetryHealthIndicator,
  type TelemetryHealthOptions,
  type TelemetryHealthState,
  type TelemetryPartHealth,
} from './module/telemetry-health.indicator.js';
export { TelemetryService, type TelemetrySpanOptions } from './module/telemetry.service.js';

export { type TelemetryOptionsFactory } from './config/telemetry-options.js';
export { type ClickHouseOptions, type ClickHouseTables, type ClickHouseTls } from './config/clickhouse.js';
export { type DashboardEditor, type DashboardOptions, type DashboardSource } from './config/dashboard.js';
export { type ProcessEventsOptions } from './config/process-events.js';
export { type StoreOptions } from './config/store.js';
export {
  type HookedRequest,
  type HookedResponse,
  type HttpServerInstrumentationOptions,
  type InstrumentationOptions,
  type NestInstrumentationOptions,
  type NestPipelineForm,
  type NestProviderClass,
  type NestProviderInfo,
  type NestProviderSelection,
  type RequestUser,
  type TraceResponseHeader,
} from './config/instrumentation.js';
export {
  type KeepOptions,
  type KeepRuleOptions,
  type SamplerName,
  type SamplingOptions,
  type SamplingRule,
  type SpanKindName,
} from './config/sampling.js';
export {
  type IncomingListener,
  type IncomingMode,
  type IncomingPolicies,
  type IncomingPolicy,
  type IncomingRequest,
  type PropagationOptions,
} from './config/propagation.js';
export { type LoggingOptions, type TelemetryLogLevel } from './config/logging.js';
export { type OtlpProtocol } from './config/otlp.js';
export { type PrometheusOptions } from './config/metrics.js';
export { type PropagatorName } from './config/propagation.js';
export { type TelemetryEngine, type TelemetryOptions } from './config/telemetry-options.js';
export { type TelemetryConfig } from './config/telemetry-config.interface.js';

export { type TemporaryChange } from './runtime/temporary-changes.js';

export { type TelemetryErrorCode } from './errors/telemetry.error.js';
export { type ConfigurationProblem, TelemetryError } from './errors/telemetry.error.js';

export { type UndoInstrumentation } from './instrumentation/define-instrumentation.js';
export {
  type ExpressLike,
  type FastifyLike,
  instrument,
  instrumentAll,
  type InstrumentAllOptions,
  instrumentExpress,
  instrumentFastify,
  instrumentHttp,
  instrumentMongodb,
  instrumentMysql,
  instrumentPg,
  instrumentRedis,
} from './instrumentation/instrument.js';
export { type InstrumentationName, type InstrumentedModule } from './instrumentation/registry.js';

export { type LogExtra, type LogMessage } from './logging/telemetry-logger.js';

export { type CallMetricOptions, type NameOrCallMetricOptions } from './metrics/call-recorder.js';
export { Counted } from './metrics/counted-and-timed.decorator.js';
export {
  type Observation,
  type Observations,
  type ObserveCallback,
  type ObserveRegistration,
} from './metrics/observable-handle.js';
export { Timed } from './metrics/counted-and-timed.decorator.js';

export { annotate } from './tracing/annotate.js';
export { Annotate } from './tracing/annotate.decorator.js';
export { getCurrentSpanId, getCurrentTraceId } from './tracing/trace-context.js';
export { type ErrorPredicate } from './tracing/error-policy.js';
export {
  attachTraceContext,
  detachTraceContext,
  extractTraceContext,
  injectTraceContext,
  type TraceContextCarrier,
  type TraceContextToken,
  withTraceContext,
} from './tracing/trace-context.js';
export {
  SpanAttribute,
  type SpanAttributeMapper,
  type SpanAttributeValue,
} from './tracing/span-attribute.decorator.js';
export { TelemetrySpan } from './tracing/telemetry-span.js';
export { Trace, type TraceOptions } from './tracing/trace.decorator.js';
