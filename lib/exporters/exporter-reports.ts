import { type ExporterHealth } from './exporter-health.js';
import { type ExporterReport, type Signal } from './exporter-report.interface.js';

const STATE_KEY = Symbol.for('nestjs-telemetry.exporter-reports');

type ReportedExporters = Set<ExporterHealth>;

/** One set per process, however many copies of this package are loaded. */
function reportedExporters(): ReportedExporters {
  const holder = globalThis as { [STATE_KEY]?: ReportedExporters | undefined };
  return (holder[STATE_KEY] ??= new Set());
}

/** How each configured exporter has fared, in the order in which they were configured. */
export function exporterReports(): ExporterReport[] {
  return [...reportedExporters()].map((health) => health.report());
}

/** Adds an exporter to those that `exporterReports()` lists. */
export function addExporterReport(health: ExporterHealth): void {
  reportedExporters().add(health);
}

/** Forgets the exporters of a signal, before those of a new start are added. */
export function resetExporterReports(signal: Signal): void {
  const exporters = reportedExporters();
  for (const health of exporters) {
    if (health.destination.signal === signal) exporters.delete(health);
  }
}
