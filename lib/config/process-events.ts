import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';

import { type EnvironmentValues } from './environment-variables.constants.js';
import { type RulesOf, either, flag, number, shape, text } from './option-rules.js';
import { isTest } from './identity.js';
import { type StoreConfig } from './telemetry-config.interface.js';

/** What happens to telemetry when the process ends without `app.close()`. */
export interface ProcessEventsOptions {
  /**
   * Flush when a signal ends the process (SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR2; SIGBREAK on
   * Windows), then raise the same signal again. Only while nobody else listens for that signal.
   * Default true.
   */
  signals?: boolean;
  /** Longest time for that flush, in milliseconds. Default 1000. */
  signalTimeoutMs?: number;
  /**
   * Record an uncaught exception or unhandled rejection as a log record and on the span it was thrown
   * in. Exit code and output of the process stay the same. Default true.
   */
  uncaught?: boolean;
  /**
   * Folder for spans and log records that could not be sent by OTLP before the process ended, in a
   * folder `nestjs-telemetry-<uid>` of its own. The next start of the same service sends them and deletes
   * the file. `false` loses them. Default: the folder `spool` beside the store's file, else the folder for
   * temporary files; in tests `false`. Env `TELEMETRY_SPOOL`.
   */
  spool?: boolean | string;
}

/** `processEvents`, resolved. */
export interface ProcessEventsConfig {
  readonly signals: boolean;
  readonly signalTimeoutMs: number;
  readonly uncaught: boolean;
  /** Absolute path; undefined: what could not be sent is lost. */
  readonly spool: string | undefined;
}

const rules: RulesOf<ProcessEventsOptions> = {
  signals: flag,
  signalTimeoutMs: number(0, 60_000, 'a number of milliseconds from 0 to 60000, for example 1000'),
  uncaught: flag,
  spool: either((value) => typeof value === 'boolean', flag, text('the path of a folder, true or false,')),
};

/** What `processEvents` may be. */
export const PROCESS_EVENTS_RULE = either(
  (value) => typeof value === 'boolean',
  flag,
  shape(rules, 'true, false or an object, for example { signals: false }'),
);

/** Decides what happens when the process ends without being told. */
export function resolveProcessEvents(
  option: boolean | ProcessEventsOptions | undefined,
  env: EnvironmentValues,
  environment: string,
  store: StoreConfig | undefined,
): ProcessEventsConfig {
  const chosen = typeof option === 'object' ? option : {};
  const enabled = typeof option === 'boolean' ? option : (env.TELEMETRY_PROCESS_EVENTS ?? true);
  const spool = chosen.spool ?? env.TELEMETRY_SPOOL ?? !isTest(environment);
  return Object.freeze({
    signals: chosen.signals ?? enabled,
    signalTimeoutMs: chosen.signalTimeoutMs ?? 1_000,
    uncaught: chosen.uncaught ?? enabled,
    spool: spoolFolder(chosen.spool === undefined && !enabled ? false : spool, store),
  });
}

function spoolFolder(spool: boolean | string, store: StoreConfig | undefined): string | undefined {
  if (spool === false || spool === 'false') return undefined;
  const isPath = typeof spool === 'string' && spool !== 'true';
  if (!isPath && store !== undefined && store.file !== ':memory:')
    return resolve(dirname(store.file), 'spool');
  return resolve(isPath ? spool : tmpdir(), `nestjs-telemetry-${userId()}`);
}

/** Volumes and temporary folders are shared; the folder below is only readable for its user. Windows has one for each user. */
function userId(): string {
  return String(process.geteuid?.() ?? 'user');
}
