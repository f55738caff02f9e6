import { processWide } from '../process/process-wide.js';
import { redaction } from '../redaction/active-redaction.js';

/** Receives the warnings of the library. */
export type WarningSink = (message: string, code: string) => void;

interface WarningState {
  sink: WarningSink;
  readonly said: Map<string, SaidWarning>;
}

interface SaidWarning {
  count: number;
  lastSaidAt: number;
  /** Missing where an older copy of this package has logged it. */
  message?: string;
  /** Milliseconds since the epoch. */
  at?: number;
}

/** One warning, and how often it happened. */
export interface RecentWarning {
  readonly message: string;
  /** When it happened last, in milliseconds since the epoch. */
  readonly at: number;
  readonly count: number;
}

const MAX_RECENT = 100;

const toProcessWarning: WarningSink = (message, code) => {
  process.emitWarning(message, { type: 'TelemetryWarning', code });
};

const state = processWide<WarningState>('warnings', () => ({ sink: toProcessWarning, said: new Map() }));

/**
 * Logs `message` unless `key` was logged before: a broken collector cannot flood the log.
 *
 * @param key for example `env:OTEL_TRACES_SAMPLER`; also the code of the process warning
 * @param everyMs log it again when it still happens after this many milliseconds; default never
 */
export function warnOnce(key: string, message: string, everyMs = Infinity): void {
  const { said, sink } = state;
  const now = performance.now();
  const entry = said.get(key);
  if (entry === undefined) {
    warn(key, message);
    return;
  }
  entry.count += 1;
  entry.message = message;
  entry.at = Date.now();
  if (now - entry.lastSaidAt < everyMs) return;
  entry.lastSaidAt = now;
  sink(`${withoutSecrets(message)} (${entry.count} times so far)`, key);
}

/**
 * Logs `message` also where `key` was logged before; the caller limits the rate.
 *
 * @param key for example `export:traces:http://localhost:4318`; also the code of the process
 *   warning
 */
export function warn(key: string, message: string): void {
  const { said, sink } = state;
  said.set(key, {
    count: (said.get(key)?.count ?? 0) + 1,
    lastSaidAt: performance.now(),
    message,
    at: Date.now(),
  });
  sink(withoutSecrets(message), key);
}

/** Errors of clients name addresses, which may hold a password or a token. */
function withoutSecrets(message: string): string {
  return redaction().errorText(message);
}

/** How often each warning happened, logged or not. */
export function warningCounts(): ReadonlyMap<string, number> {
  return new Map([...state.said].map(([key, { count }]) => [key, count]));
}

/** Warnings of this process, logged or not, the latest first; at most 100. */
export function recentWarnings(): RecentWarning[] {
  return [...state.said.values()]
    .map(({ message = '', at = 0, count }) => ({ message: withoutSecrets(message), at, count }))
    .filter(({ message }) => message !== '')
    .sort((a, b) => b.at - a.at)
    .slice(0, MAX_RECENT);
}

/** Sends further warnings to `sink`; returns a function that restores the previous sink. */
export function setWarningSink(sink: WarningSink): () => void {
  const previous = state.sink;
  state.sink = sink;
  return () => {
    if (state.sink === sink) state.sink = previous;
  };
}

/** Clears the record of logged warnings, so that a restarted runtime logs them again. */
export function resetWarnings(): void {
  state.said.clear();
}
