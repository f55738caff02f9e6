import { checkClocks, checkDoubleSpans, checkLostContexts } from '../../../doctor/check-spans.js';
import { type Finding, named } from '../../../doctor/finding.js';
import { type QueryOptions, type TelemetryReader } from '../../reader/telemetry-reader.interface.js';

const RECENT_MS = 15 * 60_000;
/** Enough for what happens with each call; what one call in a hundred does is not looked for. */
const READ = 40;

/** What the spans of the newest traces show of clocks, lost contexts and requests that are recorded twice. */
export async function findProblemsOfTraces(
  reader: Pick<TelemetryReader, 'traces' | 'spans'>,
  options: QueryOptions,
  now = Date.now(),
): Promise<readonly Finding[]> {
  const { items } = await reader.traces({ from: now - RECENT_MS, to: now + RECENT_MS, limit: READ }, options);
  // Both sides of a context that is lost are in traces that were recorded at the same time.
  const traceIds = items.map(({ traceId }) => traceId);
  if (traceIds.length === 0) return [];
  const traces = await reader.spans(traceIds, options);
  const spans = [...traces.values()].flat();
  return named('traces of the last 15 minutes', [
    ...checkClocks(spans),
    ...checkLostContexts(spans),
    ...checkDoubleSpans(spans),
  ]);
}
