import { randomUUID } from 'node:crypto';
import { arch, hostname, platform } from 'node:os';

import {
  context,
  logs,
  metrics,
  propagation,
  trace,
  type TracerProvider as ApiTracerProvider,
} from '@opentelemetry/api';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { TracerProviderOptions } from '@opentelemetry/sdk-trace';

import {
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_HOST_ARCH,
  ATTR_HOST_NAME,
  ATTR_OS_TYPE,
  ATTR_PROCESS_PID,
  ATTR_PROCESS_RUNTIME_NAME,
  ATTR_PROCESS_RUNTIME_VERSION,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '../config/semantic-conventions.constants.js';
import type { TelemetryConfig } from '../config/telemetry-config.interface.js';
import { createBaggageReader } from '../engine/baggage-fields.js';
import { LimitedLoggerProvider } from '../engine/limited-logger-provider.js';
import { countingMeterProvider } from '../engine/recording-counts.js';
import { RecordingTracerProvider, type TraceShare } from '../engine/recording-tracer-provider.js';
import { SdkTracerProvider } from '../engine/sdk-tracer-provider.js';
import { warnOnce } from '../errors/warnings.js';
import {
  createLoggerProvider,
  createMetricReaders,
  createSpanProcessors,
} from '../exporters/create-pipelines.js';
import type { PrometheusScrape } from '../exporters/prometheus/prometheus-scrape.js';
import { startSpool } from '../exporters/spool/start-spool.js';
import { rememberAttributeHashes } from '../metrics-sdk/attribute-hashes.js';
import { keepExemplars } from '../metrics-sdk/exemplars.js';
import { limitSeries } from '../metrics-sdk/limit-series.js';
import { undoAll } from '../process/undo-all.js';
import { redaction } from '../redaction/active-redaction.js';
import { AsyncLocalStorageContextManager } from './async-local-storage-context-manager.js';
import { baggageSpanProcessor } from './baggage-span.processor.js';
import { createPropagator } from './create-propagator.js';
import { describeContainer } from './describe-container.js';
import { guardLoggerProvider } from './guards/guard-logger-provider.js';
import { guardMeterProvider } from './guards/guard-meter-provider.js';
import { guardSpanProcessor } from './guards/guard-parts.js';
import { guardTracerProvider } from './guards/guard-tracer-provider.js';
import { joinLoggerProvider, joinMeterProvider, joinTracerProvider } from './join-foreign-providers.js';
import { redactingSpanProcessor } from './redacting-span.processor.js';
import { type GlobalSlot, isRegistered, noticeLateProviders } from './registered-globals.js';
import { type NewTraceRatio } from './sampling/new-trace-ratio.js';
import { childrenFollowParent, shareOfNewTraces, startSampling } from './sampling/start-sampling.js';
import { type SamplingCounts } from './sampling/tail-sampling.processor.js';
import { createRuntime, type OwnedProvider, runtimeState, type SdkRuntime } from './sdk-runtime.js';
import {
  type OpenPlugin,
  PluginLoggerProvider,
  readerForPlugin,
  type TelemetryPlugin,
} from './telemetry-plugin.js';

/**
 * Starts the signals that have no provider yet and returns the runtime of this process. A signal
 * whose provider is registered already (a NodeSDK of the application, an agent) is left to it: our
 * spans, instruments and records go there, and the configured destinations join it. Never throws:
 * start-up must not break the application.
 *
 * @param openPlugin takes all signals beside the exporters
 */
export function startRuntime(config: TelemetryConfig, openPlugin?: OpenPlugin): SdkRuntime {
  const state = runtimeState();
  if (state.runtime !== undefined) return state.runtime;

  const undo: (() => void)[] = [];
  const register: Register = (slot, accepted, api) => {
    if (!accepted) warnRejected(slot);
    else
      undo.push(() => {
        api.disable();
      });
  };
  registerPropagation(config, register);
  const resource = createResource(config);
  const plugin = openPlugin?.(config, resource);
  const ownsTraces = !isRegistered('trace');
  const start: Start = { config, resource, plugin, register };
  const tracing = attempt('traces', () => startTracing(start));
  const measuring = attempt('metrics', () => startMetrics(start));
  const logging = attempt('logs', () => startLogRecords(start));

  undo.push(noticeLateProviders());
  const { spool } = config.processEvents;
  // Undone when the providers have stopped: the process may end while they do.
  if (spool !== undefined) undo.push(startSpool(spool, config));
  const runtime = createRuntime({
    config,
    providers: [tracing?.provider, measuring?.provider, logging].filter((provider) => provider !== undefined),
    meterProvider: measuring?.meterProvider,
    prometheus: measuring?.prometheus,
    plugin,
    samplingCounts: tracing?.samplingCounts,
    samplingRatio: tracing?.samplingRatio,
    // A sampler of the application, or another SDK, may decide otherwise.
    childrenFollowParent:
      ownsTraces && tracing?.provider !== undefined && childrenFollowParent(config.traces),
    emitsLogRecords: logging !== undefined || isRegistered('logs'),
    unregister: undoAll(undo),
  });
  if (plugin !== undefined) runtime.onStop(() => plugin.stop());
  state.runtime = runtime;
  state.generation += 1;
  return runtime;
}

/** A signal that cannot be started, because its reader was used before, leaves the others alone. */
function attempt<T>(signal: string, start: () => T): T | undefined {
  try {
    return start();
  } catch (error) {
    warnOnce(
      `start:${signal}`,
      `Telemetry runs without ${signal}, they could not be started: ${String(error)}. ` +
        'Processors and readers passed in options serve one start only: make new ones for each.',
    );
    return undefined;
  }
}

/** @param accepted whether the API took the registration; `api.disable()` removes it at the stop */
type Register = (slot: GlobalSlot, accepted: boolean, api: { disable(): void }) => void;

interface Start {
  readonly config: TelemetryConfig;
  readonly resource: Resource;
  readonly plugin: TelemetryPlugin | undefined;
  readonly register: Register;
}

function registerPropagation(config: TelemetryConfig, register: Register): void {
  // The context manager stays after a stop: requests in flight run on it, and it holds nothing of
  // ours.
  if (!isRegistered('context') && !context.setGlobalContextManager(new AsyncLocalStorageContextManager()))
    warnRejected('context');
  if (isRegistered('propagation')) return;
  const propagator = createPropagator(config.propagators);
  register('propagation', propagation.setGlobalPropagator(propagator), propagation);
}

interface StartedTracing {
  readonly provider: OwnedProvider | undefined;
  readonly samplingCounts?: (() => SamplingCounts) | undefined;
  readonly samplingRatio?: NewTraceRatio | undefined;
}

function startTracing({ config, resource, plugin, register }: Start): StartedTracing {
  if (isRegistered('trace')) return { provider: joinTracerProvider(config, resource, plugin) };
  const { traces } = config;
  const processors = createSpanProcessors({
    ...config,
    traces: { ...traces, processors: traces.processors.map(guardSpanProcessor) },
  });
  if (plugin !== undefined) processors.push(plugin.spans);
  const { sampler, spanProcessors: kept, counts, ratio } = startSampling(traces, processors);
  const newTraces = shareOfNewTraces(traces, ratio);
  const readBaggage = createBaggageReader(config.propagation.baggageFields);
  // First, so that the others see the attributes when a span starts.
  const spanProcessors = readBaggage === undefined ? kept : [baggageSpanProcessor(readBaggage), ...kept];
  const provider = createTracerProvider(config, { resource, sampler, spanProcessors }, newTraces);
  register('trace', trace.setGlobalTracerProvider(provider), trace);
  return { provider, samplingCounts: counts, samplingRatio: ratio };
}

function createTracerProvider(
  { engine, traces }: TelemetryConfig,
  parts: Required<Pick<TracerProviderOptions, 'resource' | 'sampler' | 'spanProcessors'>>,
  newTraces: TraceShare | undefined,
): OwnedProvider & ApiTracerProvider {
  if (engine === 'fast')
    return new RecordingTracerProvider({
      ...parts,
      limits: traces.limits,
      childrenFollowParent: childrenFollowParent(traces),
      newTraces,
    });
  const options = {
    ...parts,
    spanProcessors: [redactingSpanProcessor, ...parts.spanProcessors],
    spanLimits: traces.limits,
    meterProvider: countingMeterProvider(),
  };
  const provider = new SdkTracerProvider(options, guardTracerProvider);
  guardTracerProvider(provider);
  return provider;
}

interface StartedMetrics {
  readonly provider: OwnedProvider | undefined;
  readonly meterProvider?: MeterProvider;
  readonly prometheus: PrometheusScrape | undefined;
}

function startMetrics({ config, resource, plugin, register }: Start): StartedMetrics {
  if (isRegistered('metrics')) return joinMeterProvider(config, plugin);
  const { readers, prometheus } = createMetricReaders(config);
  const shared = plugin && readerForPlugin(readers, prometheus);
  if (readers.length === 0) return { provider: undefined, prometheus: undefined };
  if (config.engine === 'fast') rememberAttributeHashes();
  keepExemplars(config.metrics.exemplars);
  const provider = new MeterProvider({ resource, readers, views: [...config.metrics.views] });
  limitSeries(provider, config.metrics.cardinality);
  guardMeterProvider(provider);
  if (shared !== undefined) plugin?.startMetrics(shared);
  register('metrics', metrics.setGlobalMeterProvider(provider), metrics);
  return { provider, meterProvider: provider, prometheus };
}

function startLogRecords({ config, resource, plugin, register }: Start): OwnedProvider | undefined {
  if (isRegistered('logs')) return joinLoggerProvider(config, plugin);
  const sending = createLoggerProvider(config, resource);
  const unlimited = plugin === undefined ? sending : new PluginLoggerProvider(plugin, sending);
  if (unlimited === undefined) return undefined;
  const provider = new LimitedLoggerProvider(unlimited, config.logs.attributeValueLength);
  guardLoggerProvider(provider);
  register('logs', logs.setGlobalLoggerProvider(provider), logs);
  return provider;
}

function warnRejected(slot: GlobalSlot): void {
  warnOnce(
    `api-registration:${slot}`,
    `OpenTelemetry's ${slot} API refused our registration: another version of @opentelemetry/api was loaded first. ` +
      'Run `npm ls @opentelemetry/api` and keep one copy (it is a peer dependency).',
  );
}

/**
 * No attribute is asynchronous, as `host.id` would be, which would delay the first export. Command
 * lines are left out: they contain secrets.
 */
function createResource(config: TelemetryConfig): Resource {
  return defaultResource().merge(
    resourceFromAttributes(
      redaction().attributes({
        [ATTR_HOST_NAME]: hostname(),
        [ATTR_HOST_ARCH]: arch(),
        [ATTR_OS_TYPE]: platform(),
        [ATTR_PROCESS_PID]: process.pid,
        [ATTR_PROCESS_RUNTIME_NAME]: 'nodejs',
        [ATTR_PROCESS_RUNTIME_VERSION]: process.versions.node,
        [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
        ...describeContainer(),
        ...config.resourceAttributes,
        [ATTR_SERVICE_NAME]: config.serviceName,
        [ATTR_SERVICE_VERSION]: config.serviceVersion,
        [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: config.environment,
      }),
    ),
  );
}
