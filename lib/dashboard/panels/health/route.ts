import { examineProcess } from '../../../doctor/examine-process.js';
import { recentWarnings } from '../../../errors/warnings.js';
import { exporterReports } from '../../../exporters/exporter-report.js';
import { seriesLimitReports } from '../../../metrics-sdk/limit-series.js';
import { samplingReport } from '../../../runtime/sdk-runtime.js';
import { whyNoChanges } from '../../access/may-change.js';
import { defineRoutes } from '../../api/route.js';
import { type DashboardContext } from '../../dashboard-context.interface.js';
import { clearStore } from './clear-store.js';
import { findProblemsOfTraces } from './find-problems.js';
import { askProcessHealth, type HealthAnswer, type HealthApi } from './query.js';

const READ_ONLY = 'The database behind this page is read only.';

export const healthRoutes = defineRoutes<HealthApi>({
  'GET health': {
    doc: '`HealthAnswer`: exporters, store (`oldest` span or line, and `since` when there is any data), active instrumentations, client `libraries` and whether they are recorded, instruments at their limit of series, warnings of the process that serves the page.',
    handle: ({ context, signal }) => readHealth(context, signal),
  },
  'GET health/findings': {
    doc: '`Finding[]`: what keeps telemetry from arriving or from being complete, each with `evidence` and `remedy`: of the process that serves the page, and of the newest traces of all (clocks that differ, calls that lose their trace, requests with two spans). Empty where nothing is wrong.',
    handle: async ({ context, reader, signal }) => [
      ...examineProcess(context.libraries()),
      ...(await findProblemsOfTraces(reader, { signal })),
    ],
  },
  'GET health/processes': {
    parameters: 'from&to',
    doc: '`JudgedProcess[]`: the processes that said in the range (by default the last 24 hours) how their telemetry does, with what each exported, lost (by reason) and has in its queues, at most 200. Those with the worst of their `troubles` first, those that have ended last. Of a process that writes to another store only what its metrics `otel.sdk.*` say.',
    handle: askProcessHealth,
  },
  'POST store/clear': {
    doc: 'Deletes what is stored: `{ all: true }`, or `{ service }` of a service that has not reported for a minute. The answer is the `ClearAnswer`; 409 with the reason where it cannot. Needs a token.',
    handle: clearStore,
  },
});

export async function readHealth(context: DashboardContext, signal: AbortSignal): Promise<HealthAnswer> {
  const { reader } = context;
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
    store: await reader.health({ signal }),
    features: {
      live: reader.live !== undefined,
      import: context.sink !== undefined,
      processMetrics: reader.addsUpMetrics !== true,
    },
    clearRefused: context.sink === undefined ? READ_ONLY : whyNoChanges(context),
    instrumentations: context.instrumentations(),
    libraries: context.libraries(),
    editor: context.config.editor ?? null,
    seriesLimits: seriesLimitReports(),
    sampling: samplingReport() as HealthAnswer['sampling'], // an interface of numbers, without an index signature
    warnings: recentWarnings(),
  };
}
