import { context } from '@opentelemetry/api';

import { type TelemetryOptions } from '../config/telemetry-options.js';
import { fixedSource, type FixedTime } from '../engine/fixed-source.js';
import { TelemetryError } from '../errors/telemetry.error.js';
import { replaceTestingLogger } from '../logging/nest-logger.js';
import { forgetLogging } from '../logging/start-logging.js';
import { startTelemetry } from '../module/start-telemetry.js';
import { processWide } from '../process/process-wide.js';
import { isRegistered } from '../runtime/registered-globals.js';
import { currentRuntime, runtimeState, stopRuntime } from '../runtime/sdk-runtime.js';

/** What a test starts. */
export interface TestStart {
  readonly options: TelemetryOptions;
  readonly fixedIds: boolean;
  readonly fixedTime: FixedTime | undefined;
  /** Called when another probe takes over, because the test that uses this one has not closed it, or still runs. */
  onReplaced(): void;
}

/** The telemetry of a test while it runs. */
interface TestRun {
  replace(): Promise<void>;
}

const state = processWide<{ run: TestRun | undefined }>('test-run', () => ({ run: undefined }));

/**
 * Starts telemetry for one test; everything that starts telemetry meanwhile joins it. Returns the stop, after which the globals of
 * the process are as before.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_TEST` where telemetry runs that no probe has started
 */
export async function startForTest(start: TestStart): Promise<() => Promise<void>> {
  // One after the other where several wait.
  for (let running = state.run; running !== undefined; running = state.run) await running.replace();
  refuseSecondStart();
  const hadContextManager = isRegistered('context');
  const fixed = fixedSource();
  fixed.ids = start.fixedIds ? { traces: 0, spans: 0 } : undefined;
  fixed.time = start.fixedTime;
  let restoreLogger = (): void => undefined;
  let stopped: Promise<void> | undefined;
  const clear = (): void => {
    fixed.ids = undefined;
    fixed.time = undefined;
    restoreLogger();
    forgetLogging();
    // The API's registry would keep it, and with it this copy of the library.
    if (!hadContextManager) context.disable();
    if (state.run === run) state.run = undefined;
  };
  const end = async (): Promise<void> => {
    const runtime = currentRuntime();
    if (runtime !== undefined) await stopRuntime(runtime);
    runtimeState().users = 0;
    clear();
  };
  const stop = (): Promise<void> => (stopped ??= end());
  const run: TestRun = {
    replace: async () => {
      start.onReplaced();
      await stop();
    },
  };
  state.run = run;
  try {
    const { config } = startTelemetry(start.options, 'createTelemetryProbe({ telemetry })', {
      env: {},
      joinsAll: true,
    });
    if (config.logging.enabled && config.logging.nestLogger) restoreLogger = replaceTestingLogger();
  } catch (error) {
    clear();
    throw error;
  }
  return stop;
}

/** Ends what the last test has left running. */
export async function endLeftTelemetry(): Promise<void> {
  await state.run?.replace();
}

function refuseSecondStart(): void {
  const running = currentRuntime();
  if (running === undefined) return;
  throw new TelemetryError(
    'TELEMETRY_INVALID_TEST',
    `Telemetry runs in this process already, as service "${running.config.serviceName}", and was not started by a probe: OpenTelemetry has ` +
      'one of each provider. Close the application that started it (await app.close() in afterEach), or add ' +
      'TelemetryTestingModule.register() to its imports, before the modules of the application.',
  );
}
