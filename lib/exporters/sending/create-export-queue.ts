import { ExporterHealth } from '../exporter-health.js';
import { type ExporterDestination } from '../exporter-report.interface.js';
import { addExporterReport } from '../exporter-reports.js';
import { ExportQueue, type ExportQueueOptions } from './export-queue.js';
import { type ExportRequest, type Sender } from './sender.interface.js';

type Limits = Omit<ExportQueueOptions<never>, 'sender' | 'health'>;

/** A queue in front of a destination, and the account of how it fares, which `exporterReports()` lists. */
export function createExportQueue<Request extends ExportRequest>(
  destination: ExporterDestination,
  sender: Sender<Request>,
  limits: Limits,
): { readonly queue: ExportQueue<Request>; readonly health: ExporterHealth } {
  const health = new ExporterHealth({ ...destination, endpoint: withoutCredentials(destination.endpoint) });
  addExporterReport(health);
  return { queue: new ExportQueue({ ...limits, sender, health }), health };
}

function withoutCredentials(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.username === '' && url.password === '') return endpoint;
  url.username = '';
  url.password = '';
  return url.href;
}
