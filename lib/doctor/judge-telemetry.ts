import { type Scrapes } from '../exporters/prometheus/prometheus-scrape.js';
import { fault, type Result, warning } from './finding.js';

interface Exporter {
  readonly endpoint: string;
  readonly signal: string;
  readonly exported: number;
  readonly failed: number;
  readonly dropped: number;
  readonly lastError: { readonly message: string } | undefined;
}

/** What an exporter has lost; a fault where nothing has arrived. */
export function judgeExporter({
  signal,
  endpoint,
  exported,
  failed,
  dropped,
  lastError,
}: Exporter): Result[] {
  if (failed + dropped === 0 && (lastError === undefined || exported > 0)) return [];
  const seen = `${exported} exported, ${failed} failed, ${dropped} dropped`;
  return [
    (exported === 0 ? fault : warning)(
      `${signal} do not all arrive at ${endpoint}.`,
      lastError === undefined ? seen : `${seen}; ${lastError.message}`,
      'Check that the receiver runs at this address and has room; docs/delivery.md lists the reasons.',
    ),
  ];
}

/** A client library that a process has loaded. */
export interface Library {
  readonly name: string;
  readonly version?: string | undefined;
  readonly recorded: boolean;
  readonly reason?: string | undefined;
}

export function judgeLibrary({
  name,
  version = '',
  recorded,
  reason = 'no reason given',
}: Library): Result[] {
  if (recorded) return [];
  return [
    warning(
      `calls of ${name} are not recorded.`,
      `${`${name} ${version}`.trim()}: ${reason}`,
      'docs/clients.md lists the versions and loaders that are recorded.',
    ),
  ];
}

const SERIES_REMEDY = 'Take values that vary (ids, paths) out of its attributes, or raise cardinalityLimit.';

interface ReachedLimit {
  readonly instrument: string;
  readonly limit: number;
  readonly attribute: string | undefined;
  readonly values: number;
  readonly overflowed: number;
}

export function judgeReachedLimit({
  instrument,
  limit,
  attribute,
  values,
  overflowed,
}: ReachedLimit): Result {
  const most = attribute === undefined ? '' : `${attribute} has ${values} values, `;
  return warning(
    `${instrument} has reached its limit of series.`,
    `limit ${limit}, ${most}${overflowed} measurements in the overflow series`,
    SERIES_REMEDY,
  );
}

export function judgeNearLimit({
  instrument,
  limit,
  series,
}: {
  instrument: string;
  limit: number;
  series: number;
}): Result {
  return warning(`${instrument} is near its limit of series.`, `${series} of ${limit}`, SERIES_REMEDY);
}

/** Fewer say nothing about how often a scraper comes. */
const SCRAPES_THAT_SHOW_AN_INTERVAL = 5;
const MISSED_SCRAPES = 5;

/** Whether a scraper that came regularly has stayed away. */
export function judgeScrapes({ count, first, last }: Scrapes, now: number): Result[] {
  if (count < SCRAPES_THAT_SHOW_AN_INTERVAL) return [];
  const interval = (last - first) / (count - 1);
  const quiet = now - last;
  if (quiet < Math.max(interval * MISSED_SCRAPES, 60_000)) return [];
  return [
    warning(
      'nothing scrapes the metrics any more.',
      `${count} scrapes, one in ${seconds(interval)} s, the last ${seconds(quiet)} s ago`,
      'Look at the targets of Prometheus: `npx nestjs-telemetry doctor --prometheus <url>` names what it says.',
    ),
  ];
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(0);
