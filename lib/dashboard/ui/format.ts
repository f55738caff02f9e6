/** Numbers, times and values the way people read them. All of it is text; nothing here makes markup. */
import type { JsonValue } from '../reader/answers/answer-parts.interface.js';

const UNITS: readonly (readonly [divisor: number, unit: string])[] = [
  [0.001, 'µs'],
  [1, 'ms'],
  [1_000, 's'],
  [60_000, 'min'],
  [3_600_000, 'h'],
  [86_400_000, 'd'],
];

/** Three significant digits, without an exponent. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1).replace(/\.0$/, '');
  if (size >= 0.01) return value.toFixed(2).replace(/\.?0+$/, '');
  return value.toPrecision(2);
}

/** `1.24 s`, `830 µs`; `<1 µs` for less than clocks resolve; a dash where there is nothing. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–';
  const sign = ms < 0 ? '−' : '';
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  if (size < 0.000_999_5) return `${sign}<1 µs`;
  // The next unit where this one would be written 1000, or 60.
  const index = UNITS.findIndex(([divisor], at) => {
    const next = UNITS[at + 1]?.[0] ?? Infinity;
    return Number(digits(size / divisor)) * divisor < next;
  });
  const [divisor, unit] = UNITS[index] ?? [86_400_000, 'd'];
  return `${sign}${digits(size / divisor)} ${unit}`;
}

/** `12.3k`, `4.1M`. */
export function formatCount(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e12) return `${digits(value / 1e12)}T`;
  if (size >= 1e9) return `${digits(value / 1e9)}G`;
  if (size >= 1e6) return `${digits(value / 1e6)}M`;
  if (size >= 10_000) return `${digits(value / 1e3)}k`;
  return Number.isInteger(value) ? value.toLocaleString('en') : digits(value);
}

/** `5,824`: a number of things, in full. */
export const formatExact = (count: number): string => count.toLocaleString('en');

/** `12 /s`, `3.4 /min` where a second is too short to say anything. */
export function formatRate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)) return '–';
  if (perSecond === 0) return '0 /s';
  if (Math.abs(perSecond) < 0.1) return `${digits(perSecond * 60)} /min`;
  return `${formatCount(Math.abs(perSecond) < 10_000 ? Number(digits(perSecond)) : perSecond)} /s`;
}

/** `0 %`, `0.3 %`, `12 %`; never `0 %` for what is not none. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return '–';
  const percent = share * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.1) return '<0.1 %';
  return `${percent >= 10 ? percent.toFixed(0) : percent.toFixed(1).replace(/\.0$/, '')} %`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${digits(value)} ${units[unit] ?? ''}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `14:03:22.418`, in the reader's time zone. */
export function formatTime(time: number, withMs = true): string {
  const date = new Date(time);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}` : clock;
}

/** `2026-11-23 14:03:22.418`. */
export function formatDateTime(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${formatTime(time)}`;
}

/** `4 s ago`. */
export function formatAge(time: number | null | undefined, now = Date.now()): string {
  if (time === null || time === undefined) return 'never';
  const ms = now - time;
  if (ms < 1_500) return 'now';
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s ago`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.round(ms / 3_600_000)} h ago`;
  return `${Math.round(ms / 86_400_000)} d ago`;
}

/** A value of an attribute or field as one text. */
export function formatValue(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return String(value);
  return JSON.stringify(value);
}

/** A number of an instrument in its unit (UCUM codes are what OpenTelemetry uses). */
export function formatInUnit(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return '–';
  if (unit === 's') return formatDuration(value * 1_000);
  if (unit === 'ms') return formatDuration(value);
  if (unit === 'us') return formatDuration(value / 1_000);
  if (unit === 'ns') return value < 1_000 ? `${digits(value)} ns` : formatDuration(value / 1_000_000);
  if (unit === 'By') return formatBytes(value);
  if (unit === '%') return `${digits(value)} %`;
  return formatCount(value);
}

const UNIT_WORDS: Readonly<Record<string, string>> = {
  '1': 'ratio',
  By: 'bytes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  '%': 'percent',
};

/** The name of a unit: `bytes` of `By`, `requests` of `{request}`. */
export function formatUnit(unit: string): string {
  const [, thing] = /^\{(.+)\}$/.exec(unit) ?? [];
  return thing === undefined ? (UNIT_WORDS[unit] ?? unit) : `${thing.replace(/s$/, '')}s`;
}

/** Reads `250`, `250ms`, `1.5s`, `2min` as milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|min|h)?\s*$/.exec(text);
  if (!match) return undefined;
  const factors: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: 1_000,
    m: 60_000,
    min: 60_000,
    h: 3_600_000,
  };
  return Number(match[1]) * (factors[match[2] ?? 'ms'] ?? 1);
}

export const shortId = (id: string): string => id.slice(0, 8);

/** `1 span`, `2 spans`. */
export const plural = (count: number, word: string): string =>
  `${formatExact(count)} ${word}${count === 1 ? '' : 's'}`;
