import { isDeepStrictEqual } from 'node:util';

import { requireValidOptions, resolveConfig } from '../config/resolve-config.js';
import type { TelemetryConfig } from '../config/telemetry-config.interface.js';
import type { TelemetryOptions } from '../config/telemetry-options.js';
import { warnOnce } from '../errors/warnings.js';
import { findJaegerPackageProblem } from '../exporters/jaeger/jaeger-package.js';
import { startPrometheusServer } from '../exporters/prometheus/prometheus-server.js';
import { watchProcess } from '../instrumentation/process-events/watch-process.js';
import { INSTRUMENTATIONS } from '../instrumentation/registry.js';
import { startInstrumentations } from '../instrumentation/start-instrumentations.js';
import { startLogging } from '../logging/start-logging.js';
import { bindAtFirstCollection, noticeMeterProvider } from '../metrics/instrument-handles.js';
import { startRuntimeMetrics } from '../metrics/runtime-metrics.js';
import { startSdkMetrics } from '../metrics/sdk-metrics.js';
import { useRedaction } from '../redaction/active-redaction.js';
import { readConfigFile } from '../runtime/config-file/read-config-file.js';
import { loadSdkPart } from '../runtime/load-sdk-part.js';
import { runtimeState, type SdkRuntime, stopRuntime, type TelemetryHandle } from '../runtime/sdk-runtime.js';
import { checkStart } from './check-start.js';
import { plugInDashboard } from './plug-in-dashboard.js';
import { startRunTimeControl } from './run-time-control.js';

/** How a test starts telemetry. */
interface StartSettings {
  /** Instead of the environment of the process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether everything that is started later joins this start, whatever its options. Default `false`. */
  readonly joinsAll?: boolean;
}

/**
 * Starts the telemetry of this process, or joins it when it runs already.
 *
 * @param setIn where the options were written, for error messages
 * @throws TelemetryError `TELEMETRY_INVALID_OPTIONS`, listing all wrong options
 */
export function startTelemetry(
  options: TelemetryOptions,
  setIn: string,
  { joinsAll = false, ...sources }: StartSettings = {},
): TelemetryHandle {
  const state = runtimeState();
  if (state.runtime !== undefined && state.joinsAll === true) {
    requireValidOptions(options, setIn, INSTRUMENTATIONS);
    return join(state.runtime);
  }
  const config = resolveConfig(options, {
    ...sources,
    setIn,
    findJaegerPackageProblem,
    readConfigFile,
    instrumentations: INSTRUMENTATIONS,
  });
  const handle = config.enabled ? joinOrStart(config) : startDisabled(config);
  state.joinsAll = joinsAll;
  return handle;
}

function join(running: SdkRuntime): TelemetryHandle {
  runtimeState().users += 1;
  return createHandle(running.config, running);
}

function joinOrStart(config: TelemetryConfig): TelemetryHandle {
  const state = runtimeState();
  const running = state.runtime;
  if (running !== undefined) {
    warnAboutDifferences(running.config, config);
    return join(running);
  }
  startRedaction(config);
  const runtime = loadSdkPart().startRuntime(config, plugInDashboard);
  state.users = 1;
  startSubsystems(runtime);
  warnAboutEnvironment(config.warnings);
  return createHandle(config, runtime);
}

/** Starts what needs the runtime; it is undone in reverse order before the providers stop. */
function startSubsystems(runtime: SdkRuntime): void {
  const { config } = runtime;
  if (runtime.meterProvider === undefined) noticeMeterProvider();
  else bindAtFirstCollection(runtime.meterProvider);
  runtime.onStop(startLogging(config, { emitLogRecords: runtime.emitsLogRecords }).stop);
  if (config.instrumentation.runtimeMetrics) runtime.onStop(startRuntimeMetrics());
  if (config.instrumentation.sdkMetrics) runtime.onStop(startSdkMetrics());
  runtime.onStop(startInstrumentations(config));
  runtime.onStop(watchProcess(runtime));
  runtime.onStop(startRunTimeControl(runtime));
  if (config.startCheck) runtime.onStop(checkStart(runtime));
  const { prometheus } = config.metrics;
  if (prometheus?.port !== undefined && runtime.prometheus !== undefined) {
    const server = startPrometheusServer({ ...prometheus, port: prometheus.port }, runtime.prometheus);
    runtime.onStop(() => server.close());
  }
}

function startRedaction({ redaction }: TelemetryConfig): void {
  useRedaction(redaction, (error) => {
    warnOnce(
      'redaction:replace',
      `The function \`redaction.replace\` threw (${String(error)}); secrets are replaced by [Redacted] instead.`,
    );
  });
}

function createHandle(config: TelemetryConfig, runtime: SdkRuntime): TelemetryHandle {
  let left: Promise<void> | undefined;
  const leave = async (): Promise<void> => {
    const state = runtimeState();
    // A test has ended it, and what runs now is another.
    if (state.runtime !== runtime) return;
    state.users -= 1;
    if (state.users <= 0) await stopRuntime(runtime);
  };
  return {
    config,
    flush: (options) => runtime.flush(options),
    shutdown: () => (left ??= leave()),
  };
}

/** Without telemetry the application still logs, in the configured form. */
function startDisabled(config: TelemetryConfig): TelemetryHandle {
  startRedaction(config);
  const logging = startLogging(config, { emitLogRecords: false });
  return {
    config,
    flush: () => Promise.resolve(true),
    shutdown: () => {
      logging.stop();
      return Promise.resolve();
    },
  };
}

function warnAboutEnvironment(warnings: readonly string[]): void {
  for (const [index, warning] of warnings.entries()) {
    const variable = /\b(?:OTEL_\w+|TELEMETRY_\w+|NODE_ENV)\b/.exec(warning)?.[0] ?? 'variable';
    warnOnce(`environment:${variable}:${index}`, warning);
  }
}

function warnAboutDifferences(running: TelemetryConfig, requested: TelemetryConfig): void {
  const keys = Object.keys(requested) as (keyof TelemetryConfig)[];
  const different = keys.filter((key) => !isDeepStrictEqual(running[key], requested[key]));
  if (different.length === 0) return;
  warnOnce(
    'already-running',
    `Telemetry runs in this process already, as service "${running.serviceName}"; it is joined as it is and these ` +
      `settings have no effect: ${different.join(', ')}. Close the application that started it first, or give all the same options.`,
  );
}

/**
 * Starts telemetry outside NestJS: in a script, a worker, or before `NestFactory.create`. A
 * `TelemetryModule` imported later joins it. It flushes when the event loop is empty; call
 * `shutdown()` where that is too late.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_OPTIONS`, listing all wrong options
 * @example
 * const telemetry = configureTelemetry({ serviceName: 'import-script', otlpEndpoint: 'localhost:4317' });
 * await getTelemetry('import').trace('import', () => importEverything());
 * await telemetry.shutdown();
 */
export function configureTelemetry(options: TelemetryOptions = {}): TelemetryHandle {
  return startTelemetry(options, 'configureTelemetry()');
}
