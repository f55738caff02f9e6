import { recentWarnings } from '../../../errors/warnings.js';
import { exporterReports } from '../../../exporters/exporter-report.js';
import { seriesLimitReports } from '../../../runtime/series-limit.js';
import { samplingReport } from '../../../runtime/sampling/sampling-report.js';
import { readStore } from '../../sqlite/queries/read-store.js';
import { type ApiCall } from '../../api/api-call.interface.js';
import { type HealthAnswer } from './query.js';

/** How telemetry itself fares in the process that serves the page, and how full the store is. */
export function readHealth({ parts }: ApiCall): HealthAnswer {
  const { store } = parts;
  return {
    exporters: exporterReports().map(({ signal, name, endpoint, exported, failed, dropped, ...last }) => ({
      signal,
      name,
      endpoint,
      exported,
      failed,
      dropped,
      lastSuccess: last.lastSuccess?.getTime(),
      lastError: last.lastError && { message: last.lastError.message, at: last.lastError.at.getTime() },
    })),
    store: {
      file: store.file,
      maxBytes: store.limits.maxBytes,
      queued: store.queued,
      ...store.read(readStore),
    },
    instrumentations: parts.instrumentations(),
    libraries: parts.libraries(),
    editor: parts.config.editor ?? null,
    seriesLimits: seriesLimitReports(),
    sampling: samplingReport() as HealthAnswer['sampling'],
    warnings: recentWarnings(),
  };
}
