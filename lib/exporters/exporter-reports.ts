import { processWide } from '../process/process-wide.js';
import { type ExporterHealth } from './exporter-health.js';
import { type ExporterReport, type Signal } from './exporter-report.interface.js';

const reportedExporters = processWide('exporter-reports', () => new Set<ExporterHealth>());

/** How each configured exporter has fared, in the order in which they were configured. */
export function exporterReports(): ExporterReport[] {
  return [...reportedExporters].map((health) => health.report());
}

/** The accounts of all configured exporters, in the order in which they were configured. */
export function exporterHealths(): ExporterHealth[] {
  return [...reportedExporters];
}

/** Adds an exporter to those that `exporterReports()` lists. */
export function addExporterReport(health: ExporterHealth): void {
  reportedExporters.add(health);
}

/** Forgets the exporters of a signal, before those of a new start are added. */
export function resetExporterReports(signal: Signal): void {
  for (const health of reportedExporters) {
    if (health.destination.signal === signal) reportedExporters.delete(health);
  }
}
