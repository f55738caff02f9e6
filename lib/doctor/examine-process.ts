import { exporterReports } from '../exporters/exporter-report.js';
import { seriesLimitReports, seriesNearLimits } from '../metrics-sdk/limit-series.js';
import { currentRuntime, type SdkRuntime } from '../runtime/sdk-runtime.js';
import { checkLoadedApi } from './api-versions.js';
import { checkPreloaded } from './check-preloaded.js';
import { checkSampling } from './check-sampling.js';
import { type Finding, named } from './finding.js';
import {
  judgeExporter,
  judgeLibrary,
  judgeNearLimit,
  judgeReachedLimit,
  judgeScrapes,
  type Library,
} from './judge-telemetry.js';
import { checkName, probeReceivers, receiverFindings } from './probe-receivers.js';

/** What the start of this process has set up in a way that loses telemetry. */
function examineSetup({ config }: SdkRuntime): Finding[] {
  return [
    // Following the callers alone is a choice: that it is one, only doctor can ask.
    ...named(
      'sampling',
      checkSampling(config.traces).filter(({ verdict }) => verdict === 'fault'),
    ),
    ...named('@opentelemetry/api', checkLoadedApi()),
    ...named('NODE_OPTIONS', checkPreloaded(process.env)),
  ];
}

/**
 * Looks at the setup, and asks the receivers that were not used yet. Resolves with what no warning of this process has named. Never rejects.
 */
export async function examineStart(runtime: SdkRuntime, signal: AbortSignal): Promise<Finding[]> {
  await probeReceivers(runtime.config, signal);
  return [...examineSetup(runtime), ...receiverFindings()];
}

/** The faults and warnings about the telemetry of this process; none where it records nothing. */
export function examineProcess(libraries: readonly Library[]): Finding[] {
  const runtime = currentRuntime();
  if (runtime === undefined) return [];
  const { prometheus } = runtime;
  return [
    ...examineSetup(runtime),
    ...receiverFindings(),
    ...exporterReports().flatMap((report) => named(checkName(report), judgeExporter(report))),
    ...libraries.flatMap((library) => named('client libraries', judgeLibrary(library))),
    ...named('series', seriesLimitReports().map(judgeReachedLimit)),
    ...named('series', seriesNearLimits().map(judgeNearLimit)),
    ...named('metrics', prometheus === undefined ? [] : judgeScrapes(prometheus.scrapes, performance.now())),
  ];
}
