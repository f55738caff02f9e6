import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';

import { decide, option, type OptionsOf, type Resolved, type ValuesIn } from './declare-options.js';
import { isTest } from './identity.js';
import { flag, flagOr, number, shape, text } from './option-rules.js';
import type { StoreConfig } from './store.js';

/** Handling of the end of the process without `app.close()`. */
export interface ProcessEventsOptions {
  /**
   * Flushes when a signal ends the process and the application has no listener for it, then raises the signal again.
   *
   * SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR2; SIGBREAK on Windows.
   *
   * Default `true`.
   */
  signals?: boolean;
  /** Longest time for that flush, in milliseconds. Default 1000. */
  signalTimeoutMs?: number;
  /**
   * Records an uncaught exception or unhandled rejection as a log record and on the span it was thrown in. Exit code and output of
   * the process stay the same. Default `true`.
   */
  uncaught?: boolean;
  /**
   * Folder for spans and log records that could not be sent by OTLP before the process ended; the next start of the same service
   * sends them. `false` loses them.
   *
   * They are written to a folder `nestjs-telemetry-<uid>` in it. A file that was sent is deleted.
   *
   * Default: `spool` beside the store's file, else the folder for temporary files; `false` in tests. Env `TELEMETRY_SPOOL`.
   */
  spool?: boolean | string;
}

/** Options for the end of the process. */
export interface ProcessEventsSection {
  /**
   * Handling of signals, uncaught exceptions and the exit of the process; `false` adds no listener for them.
   * Default: all on. Env `TELEMETRY_PROCESS_EVENTS`.
   */
  processEvents?: boolean | ProcessEventsOptions;
  /** Longest time to flush at shutdown, in milliseconds. Default 5000. */
  shutdownTimeoutMs?: number;
}

/** `processEvents`, resolved. */
export interface ProcessEventsConfig extends Resolved<Omit<ProcessEventsOptions, 'spool'>> {
  /** Absolute path; undefined: telemetry that could not be sent is lost. */
  readonly spool: string | undefined;
}

const PROCESS_EVENTS = {
  signals: flag,
  signalTimeoutMs: option(number(0, 60_000, 'a number of milliseconds from 0 to 60000, for example 1000'), {
    default: 1_000,
  }),
  uncaught: flag,
  spool: option(flagOr(text('the path of a folder, true or false,')), {
    env: {
      TELEMETRY_SPOOL: {
        kind: 'text',
        meaning: 'Folder for telemetry that could not be sent before the process ended; `false` for none.',
      },
    },
  }),
} satisfies OptionsOf<ProcessEventsOptions>;

export const PROCESS_EVENTS_SECTION = {
  processEvents: option(
    flagOr(shape(PROCESS_EVENTS, 'true, false or an object, for example { signals: false }')),
    {
      see: 'process-end.md',
      env: {
        TELEMETRY_PROCESS_EVENTS: {
          kind: 'boolean',
          meaning: '`false` adds no listener for signals, uncaught exceptions and the exit of the process.',
          otherwise: '`true`',
        },
      },
    },
  ),
  shutdownTimeoutMs: option(
    number(0, 2 ** 31 - 1, 'a number of milliseconds that is not negative, for example 5000'),
    { default: 5_000 },
  ),
} satisfies OptionsOf<ProcessEventsSection>;

export type ProcessEventValues = ValuesIn<typeof PROCESS_EVENTS> & ValuesIn<typeof PROCESS_EVENTS_SECTION>;

/** Decides what is done when the process ends without `app.close()`. */
export function resolveProcessEvents(
  { processEvents }: ProcessEventsSection,
  env: ProcessEventValues,
  environment: string,
  store: StoreConfig | undefined,
): ProcessEventsConfig {
  const chosen = typeof processEvents === 'object' ? processEvents : {};
  const enabled = typeof processEvents === 'boolean' ? processEvents : (env.TELEMETRY_PROCESS_EVENTS ?? true);
  const spool = decide(PROCESS_EVENTS.spool, chosen.spool, env) ?? !isTest(environment);
  return Object.freeze({
    signals: chosen.signals ?? enabled,
    signalTimeoutMs: decide(PROCESS_EVENTS.signalTimeoutMs, chosen.signalTimeoutMs, env),
    uncaught: chosen.uncaught ?? enabled,
    spool: spoolFolder(chosen.spool === undefined && !enabled ? false : spool, store),
  });
}

/** Decides how long a shutdown may take. */
export function resolveShutdownTimeout({ shutdownTimeoutMs }: ProcessEventsSection): number {
  return shutdownTimeoutMs ?? PROCESS_EVENTS_SECTION.shutdownTimeoutMs.default;
}

function spoolFolder(spool: boolean | string, store: StoreConfig | undefined): string | undefined {
  if (spool === false || spool === 'false') return undefined;
  const isPath = typeof spool === 'string' && spool !== 'true';
  if (!isPath && store !== undefined && store.file !== ':memory:')
    return resolve(dirname(store.file), 'spool');
  // Temporary folders are shared, except on Windows: only its user can read the folder in it.
  return resolve(isPath ? spool : tmpdir(), `nestjs-telemetry-${process.geteuid?.() ?? 'user'}`);
}
