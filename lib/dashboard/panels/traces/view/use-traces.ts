import type { TraceSummaryAnswer } from '../../../reader/answers/traces.interface.js';
import { clientOf, type Query } from '../../../ui/client.js';
import { parseDuration } from '../../../ui/format.js';
import { type LivePages, useLivePages } from '../../../ui/parts/use-live-pages.js';
import { PROCESS_NAMES, processesOf } from '../../../ui/process-choice.js';
import { type Place, spanKeyOf, timeSpanOf } from '../../../ui/state.js';
import type { TracesApi } from '../query.js';

const tracesApi = clientOf<TracesApi>();

const PAGE = 500;
const MOST = 5_000;
/** So many are loaded without being asked for, so that the plot shows more than the last moments. */
const PLOTTED = 2_000;
/** Between two looks for new traces, however many end in the meantime. */
const LIVE_MS = 1_000;

/** Parameters of the address that narrow the list. */
export const TRACE_FILTERS: readonly string[] = [
  ...PROCESS_NAMES,
  'service',
  'spanService',
  'method',
  'route',
  'status',
  'text',
  'min',
  'max',
  'attribute',
  'where',
];

/** The filters of the address as the API takes them. */
function traceQueryOf({ query }: Place): Query {
  const text = (name: string): string | undefined => query.get(name) ?? undefined;
  return {
    ...processesOf(query),
    service: text('service'),
    spanService: text('spanService'),
    method: text('method'),
    route: text('route'),
    status: text('status'),
    text: text('text'),
    attribute: query.getAll('attribute'),
    where: query.getAll('where'),
    minMs: parseDuration(text('min') ?? ''),
    maxMs: parseDuration(text('max') ?? ''),
  };
}

/** The traces that match the address: a first page, more on demand, and new ones as they end. */
export function useTraces(place: Place, live: boolean): LivePages<TraceSummaryAnswer> {
  const { query } = place;
  const filters = TRACE_FILTERS.map((name) => query.getAll(name).join(' & ')).join('|');
  return useLivePages({
    key: `traces|${spanKeyOf(place)}|${filters}`,
    ask: (before, signal) => {
      const { from, to, minutes } = timeSpanOf(query);
      const span = minutes === undefined ? { from, to } : { from };
      return tracesApi.get('traces', { ...traceQueryOf(place), ...span, before, limit: PAGE }, signal);
    },
    idOf: ({ traceId }) => traceId,
    ageOf: ({ start }) => start,
    most: MOST,
    atOnce: PLOTTED,
    live,
    stream: 'traces',
    take: (item) => (item.type === 'trace' ? item.trace : undefined),
    bunchMs: LIVE_MS,
    asksAgain: true,
  });
}
