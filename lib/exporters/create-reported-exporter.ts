import { ExporterHealth } from './exporter-health.js';
import { type ExporterDestination } from './exporter-report.interface.js';
import { addExporterReport } from './exporter-reports.js';
import { LazyExporter } from './lazy.exporter.js';
import { type PushExporter } from './push-exporter.interface.js';
import { ReportedExporter } from './reported.exporter.js';

/** Where an exporter comes from: the package is named in warnings, `load` imports it. */
export interface ExporterSource<Items> {
  readonly packageName: string;
  load(): Promise<PushExporter<Items>>;
}

/** An exporter that starts loading now, and whose fate `exporterReports()` tells. */
export function createReportedExporter<Items>(
  destination: ExporterDestination,
  source: ExporterSource<Items>,
  countItems: (items: Items) => number,
): ReportedExporter<Items> {
  const health = new ExporterHealth({ ...destination, endpoint: withoutCredentials(destination.endpoint) });
  addExporterReport(health);
  const exporter = new LazyExporter(source.packageName, () => source.load());
  return new ReportedExporter(exporter, health, countItems);
}

function withoutCredentials(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.username === '' && url.password === '') return endpoint;
  url.username = '';
  url.password = '';
  return url.href;
}
