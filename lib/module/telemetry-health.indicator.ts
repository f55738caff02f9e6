import { Injectable } from '@nestjs/common';

import { readSafely, textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { type ExporterHealth, exporterHealths } from '../exporters/exporter-report.js';
import { redaction } from '../redaction/active-redaction.js';
import { currentRuntime } from '../runtime/sdk-runtime.js';
import { type TelemetryPlugin } from '../runtime/telemetry-plugin.js';

/**
 * How a part of telemetry does. `working`: all is accepted, or nothing was sent yet; `failing`: the last attempt failed and
 * is repeated; `losing`: something was lost in the last minute; `off`: there is no telemetry in this process.
 */
export type TelemetryHealthState = 'working' | 'failing' | 'losing' | 'off';

const DOWN_CHOICES = ['never', 'losing', 'failing'] as const;

/** Options of `TelemetryHealthIndicator.isHealthy()`. */
export interface TelemetryHealthOptions {
  /**
   * What makes the indicator `down`: `losing`, telemetry was lost in the last minute; `failing`, that or a
   * destination that does not answer. `down` in a readiness check takes the application out of rotation.
   *
   * Default `never`.
   */
  downWhen?: (typeof DOWN_CHOICES)[number];
  /** Adds addresses and the texts of errors, for a health check that is not public. Default `false`. */
  details?: boolean;
}

/** One exporter, or the embedded store. */
export interface TelemetryPartHealth {
  /** `traces`, `metrics`, `logs`, or `store`. */
  readonly part: string;
  readonly state: TelemetryHealthState;
  /** Spans, data points, log records or rows lost since the start. */
  readonly lost: number;
  /** Items that wait to be sent; missing for the store. */
  readonly queued?: number;
  /** Seconds for which it fails. */
  readonly failingForSeconds?: number;
  /** Address, with `details`. */
  readonly endpoint?: string;
  /** The last error, with `details`. */
  readonly error?: string;
}

/** What Terminus shows of telemetry. */
export interface TelemetryHealth {
  readonly status: 'up' | 'down';
  /** The worst state of all parts. */
  readonly state: TelemetryHealthState;
  readonly parts: readonly TelemetryPartHealth[];
}

/** How long a loss counts. */
const RECENT_MS = 60_000;

/**
 * Reports to `@nestjs/terminus` whether telemetry is accepted by its destinations. `TelemetryModule`
 * provides it, and it sends nothing: it reads what the exporters and the embedded store have counted.
 *
 * It is `up` also while telemetry is lost, because the application does its work without it; `state`
 * and `parts` show the loss. `downWhen` changes that.
 *
 * @example
 * @Get('health')
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.telemetry.isHealthy('telemetry')]);
 * }
 */
@Injectable()
export class TelemetryHealthIndicator {
  /** Returns the result for `HealthCheckService.check()`, under `key`. Never throws. */
  isHealthy<const Key extends string = 'telemetry'>(
    key: Key = 'telemetry' as Key, // the default of both
    options: TelemetryHealthOptions = {},
  ): Record<Key, TelemetryHealth> {
    const parts = listParts(readSafely(() => options.details) === true);
    const state = currentRuntime() === undefined ? 'off' : worstOf(parts);
    const isDown = makesDown(state, readSafely(() => options.downWhen) ?? 'never');
    const health: TelemetryHealth = { status: isDown ? 'down' : 'up', state, parts };
    return { [textOf(key)]: health } as Record<Key, TelemetryHealth>; // a computed key loses its type
  }
}

function listParts(details: boolean): TelemetryPartHealth[] {
  const runtime = currentRuntime();
  if (runtime === undefined) return [];
  const exporters = exporterHealths().map((health) => describeExporter(health, details));
  const { plugin } = runtime;
  return plugin === undefined ? exporters : [...exporters, describeStore(plugin)];
}

function describeExporter(health: ExporterHealth, details: boolean): TelemetryPartHealth {
  const { signal, endpoint, failed, dropped, lastError } = health.report();
  const { failing, lostAt, queue } = health;
  return {
    part: signal,
    state: isRecent(lostAt) ? 'losing' : failing === undefined ? 'working' : 'failing',
    lost: failed + dropped,
    ...(queue !== undefined && { queued: queue.size() }),
    ...(failing !== undefined && { failingForSeconds: secondsSince(failing.since) }),
    ...(details && { endpoint }),
    // Clients name addresses, which may hold a password.
    ...(details && lastError !== undefined && { error: redaction().errorText(lastError.message) }),
  };
}

function describeStore(plugin: TelemetryPlugin): TelemetryPartHealth {
  const { lost, lostAt, works } = plugin.health();
  return { part: 'store', state: isRecent(lostAt) || !works ? 'losing' : 'working', lost };
}

function isRecent(at: number | undefined): boolean {
  return at !== undefined && performance.now() - at < RECENT_MS;
}

function secondsSince(at: number): number {
  return Math.round((performance.now() - at) / 1_000);
}

function worstOf(parts: readonly TelemetryPartHealth[]): TelemetryHealthState {
  const states = new Set(parts.map(({ state }) => state));
  return states.has('losing') ? 'losing' : states.has('failing') ? 'failing' : 'working';
}

function makesDown(state: TelemetryHealthState, downWhen: unknown): boolean {
  if (!DOWN_CHOICES.some((choice) => choice === downWhen))
    warnOnce(
      'health:downWhen',
      `downWhen of TelemetryHealthIndicator.isHealthy() is ${textOf(downWhen, 100)}, and never is used. Write one of ${DOWN_CHOICES.join(', ')}.`,
    );
  if (downWhen === 'failing') return state === 'failing' || state === 'losing';
  return downWhen === 'losing' && state === 'losing';
}
