import { type IncomingConfig } from './propagation.js';
import { type Attributes, type TextMapPropagator } from '@opentelemetry/api';
import type { Instrumentation } from './otel-instrumentation.interface.js';
import { type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { type IMetricReader, type ViewOptions } from '@opentelemetry/sdk-metrics';
import { type Sampler, type SpanLimits, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { type DestinationStream, type LoggerOptions } from 'pino';

import { type ProcessEventsConfig } from './process-events.js';
import type { RedactionRule, ReplaceSecret } from './redaction.js';
import type { SamplerName, SamplingRule } from './sampling.js';
import { type InstrumentationConfig } from './instrumentation.js';
import {
  type OtlpProtocol,
  type PropagatorName,
  type TelemetryEngine,
  type TelemetryLogLevel,
} from './telemetry-options.interface.js';

/** One OTLP destination of one signal, fully resolved. */
export interface OtlpTarget {
  /** Complete address: with the `/v1/traces` path for HTTP, `http(s)://host:port` for gRPC. */
  readonly url: string;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
}

/** One Jaeger destination, fully resolved. */
export type JaegerTarget =
  | {
      readonly transport: 'udp';
      readonly protocol: 'compact' | 'binary';
      readonly host: string;
      readonly port: number;
    }
  | { readonly transport: 'http'; readonly url: string };

/** Limits of a batch processor; undefined leaves the SDK's default. */
export interface BatchLimits {
  readonly maxQueueSize?: number;
  readonly scheduledDelayMillis?: number;
  readonly exportTimeoutMillis?: number;
  readonly maxExportBatchSize?: number;
}

/** Which traces are sent whatever the sampler says, and the bounds of waiting for that decision. */
export interface KeepConfig {
  readonly errors: boolean;
  /** undefined: being slow is no reason. */
  readonly slowerThanMs: number | undefined;
  readonly maxTraces: number;
  readonly maxSpans: number;
  readonly decisionTimeoutMs: number;
}

/** How many series an instrument may have, including the one that takes what exceeds this. */
export interface CardinalityConfig {
  readonly limit: number;
  /** Of single instruments, by name. */
  readonly limits: Readonly<Record<string, number>>;
}

/** What the rest of the library reads: every option decided, nothing optional that has a default. Frozen. */
export interface TelemetryConfig {
  readonly enabled: boolean;
  readonly engine: TelemetryEngine;
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly environment: string;
  readonly resourceAttributes: Attributes;
  readonly traces: {
    readonly otlp: readonly OtlpTarget[];
    readonly jaeger: readonly JaegerTarget[];
    readonly console: boolean;
    readonly sampler: { readonly name: SamplerName; readonly ratio: number } | Sampler;
    readonly rules: readonly SamplingRule[];
    /** undefined: what the sampler does not choose is not recorded. */
    readonly keep: KeepConfig | undefined;
    readonly batch: BatchLimits;
    readonly limits: SpanLimits;
    readonly processors: readonly SpanProcessor[];
  };
  readonly metrics: {
    readonly otlp: readonly OtlpTarget[];
    readonly exportIntervalMillis: number;
    readonly exportTimeoutMillis: number;
    readonly exemplars: boolean;
    readonly cardinality: CardinalityConfig;
    readonly prometheus: PrometheusConfig | undefined;
    readonly readers: readonly IMetricReader[];
    readonly views: readonly ViewOptions[];
  };
  readonly logs: {
    readonly otlp: readonly OtlpTarget[];
    readonly batch: BatchLimits;
    /** Characters of a text in a body or attribute; Infinity for no limit. */
    readonly attributeValueLength: number;
    readonly processors: readonly LogRecordProcessor[];
  };
  readonly redaction: RedactionConfig;
  readonly logging: LoggingConfig;
  /** undefined: the page is not served. */
  readonly dashboard: DashboardConfig | undefined;
  /** undefined: nothing is kept. */
  readonly store: StoreConfig | undefined;
  readonly instrumentation: InstrumentationConfig;
  readonly instrumentations: readonly Instrumentation[];
  readonly propagation: { readonly incoming: IncomingConfig };
  readonly propagators: readonly (PropagatorName | TextMapPropagator)[];
  readonly processEvents: ProcessEventsConfig;
  readonly shutdownTimeoutMs: number;
  readonly limits: LimitConfig;
  /** Wrong environment variables that were ignored; whoever starts the runtime prints them, once. */
  readonly warnings: readonly string[];
}

/** How much telemetry may wait. */
export interface LimitConfig {
  /** Bytes in front of each exporter. */
  readonly queueBytes: number;
}

/** Where the dashboard is, and who may see it. */
export interface DashboardConfig {
  readonly path: string;
  /** undefined: the token of the folder, made at random. false: no token is needed. */
  readonly token: string | false | undefined;
  readonly allowRemote: boolean;
  /** Lower case, without ports. */
  readonly allowedHosts: readonly string[];
  readonly otlp: boolean;
  /** An address with `{file}` and `{line}`; undefined for no links. */
  readonly editor: string | undefined;
}

/** Where telemetry is kept, and how much of it. */
export interface StoreConfig {
  /** A path, or `:memory:`. */
  readonly file: string;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly maxSpans: number;
  readonly maxLogs: number;
  readonly maxPoints: number;
}

export interface PrometheusConfig {
  readonly path: string;
  /** undefined: served on the application's own port. */
  readonly port: number | undefined;
  readonly host: string;
  readonly guards: readonly unknown[];
  readonly prefix: string | undefined;
}

/** What is kept out of everything that is recorded, beside the built-in rules. */
export interface RedactionConfig {
  /** true: nothing is redacted. */
  readonly disable: boolean | readonly RedactionRule[];
  readonly keys: readonly (string | RegExp)[];
  readonly patterns: readonly RegExp[];
  readonly replace: string | ReplaceSecret;
  readonly errorProperties: readonly string[];
}

export interface LoggingConfig {
  /** false: nothing of nestjs-pino is set up and NestJS's logger is left alone. */
  readonly enabled: boolean;
  readonly level: TelemetryLogLevel;
  readonly format: 'json' | 'text' | 'pretty';
  /** Whether the user chose the form; a default gives way to a JSON logger of the application. */
  readonly formatIsChosen: boolean;
  readonly redact: readonly string[];
  readonly nestLogger: boolean;
  readonly requestLog: boolean;
  readonly spanEvents: boolean;
  readonly destination: DestinationStream | undefined;
  readonly pino: Omit<LoggerOptions, 'level' | 'redact'>;
}
