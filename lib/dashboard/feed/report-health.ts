import { recentWarnings, warningCounts } from '../../errors/warnings.js';
import { type ExporterHealth, exporterHealths } from '../../exporters/exporter-report.js';
import { redaction } from '../../redaction/active-redaction.js';
import { type ProcessExporterAnswer, type ProcessReport } from '../reader/answers/processes.interface.js';
import { addLoss } from '../reader/sum-sdk-metrics.js';
import { type StoredResource } from '../sqlite/rows.interface.js';
import { type TelemetryStore } from '../sqlite/store.js';

/** How often a process says how its telemetry does. */
const REPORT_MS = 15_000;
/** How often it looks whether that has changed. */
const LOOK_MS = 1_000;
/** Which libraries are loaded is looked up in the cache of modules, which takes about a millisecond. */
const LIBRARIES_MS = 5 * 60_000;
/** Longer texts are cut, so that a row stays small. */
const MAX_TEXT = 300;
const MAX_WARNINGS = 5;
const MAX_LIBRARIES = 20;

/** A client library that the process has loaded. */
interface Library {
  readonly name: string;
  readonly version?: string | undefined;
  readonly recorded: boolean;
  readonly reason?: string | undefined;
}

/** What else a process says of itself, and intervals for tests. */
interface ReportDetails {
  readonly profiling?: ProcessReport['profiling'];
  readonly reportMs?: number;
  readonly lookMs?: number;
}

/**
 * Stores how the telemetry of this process does: now, at an interval, and soon after it has changed. Returns what ends that, after a last
 * report.
 */
export function startHealthReports(
  store: Pick<TelemetryStore, 'dropped' | 'queued' | 'reportHealth'>,
  resource: StoredResource,
  libraries: () => readonly Library[],
  { profiling, reportMs = REPORT_MS, lookMs = LOOK_MS }: ReportDetails = {},
): () => void {
  const started = Date.now() - Math.round(process.uptime() * 1_000);
  let state = '';
  let reportedAt = -Infinity;
  let notRecorded: ProcessReport['notRecorded'] = [];
  let listedAt = -Infinity;
  const report = (): void => {
    const now = performance.now();
    if (now - listedAt >= LIBRARIES_MS) {
      listedAt = now;
      notRecorded = libraries()
        .filter(({ recorded }) => !recorded)
        .slice(0, MAX_LIBRARIES)
        .map(({ name, version, reason }) => ({ name, version, reason: reason && shorten(reason) }));
    }
    reportedAt = now;
    state = describeState(store.dropped);
    store.reportHealth(resource, { ...readReport(store, notRecorded), profiling }, started);
  };
  const timer = setInterval(() => {
    if (performance.now() - reportedAt >= reportMs || describeState(store.dropped) !== state) report();
  }, lookMs).unref();
  report();
  return () => {
    clearInterval(timer);
    report();
  };
}

/** What must not wait for the next report: a destination that fails or works again, a first loss, a new warning. */
function describeState(dropped: number): string {
  const exporters = exporterHealths().map((health) => {
    const { failed, dropped: lost } = health.report();
    return `${Number(health.failing !== undefined)}${Number(failed + lost > 0)}`;
  });
  return [...exporters, dropped > 0, warningCounts().size].join(' ');
}

function readReport(
  { dropped, queued }: Pick<TelemetryStore, 'dropped' | 'queued'>,
  notRecorded: ProcessReport['notRecorded'],
): ProcessReport {
  const counts = [...warningCounts().values()];
  const latest = recentWarnings().slice(0, MAX_WARNINGS);
  return {
    exporters: exporterHealths().map(readExporter),
    store: { dropped, queued },
    warnings: {
      count: counts.reduce((sum, count) => sum + count, 0),
      latest: latest.map((warning) => ({ ...warning, message: shorten(warning.message) })),
    },
    notRecorded,
  };
}

function readExporter(health: ExporterHealth): ProcessExporterAnswer {
  const { failing, queue } = health;
  const { signal, name, endpoint, exported, failed, dropped, lastSuccess, lastError } = health.report();
  return {
    signal,
    name,
    endpoint,
    exported,
    failed,
    dropped,
    lostBy: lostBy(health),
    queued: queue?.size(),
    queueCapacity: queue?.capacity,
    lastSuccess: lastSuccess?.getTime(),
    lastError: lastError && {
      // Clients name addresses, which may hold a password.
      message: shorten(redaction().errorText(lastError.message)),
      at: lastError.at.getTime(),
    },
    failingSince: failing && Date.now() - Math.round(performance.now() - failing.since),
  };
}

function lostBy({ exportedByErrorType, processedByErrorType }: ExporterHealth): Record<string, number> {
  const lost = new Map<string, number>();
  for (const [reason, count] of [...exportedByErrorType, ...processedByErrorType])
    if (reason !== '') addLoss(lost, reason, count);
  return Object.fromEntries(lost);
}

const shorten = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text);
