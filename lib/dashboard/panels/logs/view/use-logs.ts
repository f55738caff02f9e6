import type { LogAnswer } from '../../../reader/answers/logs.interface.js';
import { fulfils, parseCondition } from '../../../reader/field-filter.js';
import { clientOf, type Query } from '../../../ui/client.js';
import { formatValue } from '../../../ui/format.js';
import { severityOf } from '../../../ui/parts/severity.js';
import { type LivePages, useLivePages } from '../../../ui/parts/use-live-pages.js';
import { hasChoice, PROCESS_NAMES, processesOf } from '../../../ui/process-choice.js';
import { type Place, spanKeyOf, timeSpanOf } from '../../../ui/state.js';
import type { LogsApi } from '../query.js';

const logsApi = clientOf<LogsApi>();

const PAGE = 1_000;
/** Lines kept in the tab. */
const MOST = 20_000;
const BUNCH_MS = 250;

const SINGLE = ['service', 'level', 'text', 'traceId', 'spanId'];

/** Parameters of the address that narrow the list. */
export const LOG_FILTERS: readonly string[] = [...PROCESS_NAMES, ...SINGLE, 'attribute', 'where'];

/** The filters of the address, without its time span. */
export function logQueryOf({ query }: Place): Query {
  return {
    ...processesOf(query),
    ...Object.fromEntries(SINGLE.map((name) => [name, query.get(name) ?? undefined])),
    attribute: query.getAll('attribute'),
    where: query.getAll('where'),
  };
}

/** Whether a line that just came in is one of those that were asked for. */
function matches(log: LogAnswer, { query }: Place): boolean {
  const of = (name: string): string => query.get(name) ?? '';
  if (of('service') !== '' && log.service !== of('service')) return false;
  if (of('level') !== '' && severityOf(log.level) < severityOf(of('level'))) return false;
  if (of('traceId') !== '' && log.traceId !== of('traceId')) return false;
  if (of('spanId') !== '' && log.spanId !== of('spanId')) return false;
  const fields = Object.entries(log.attributes).map(([key, value]) => `${key}:${formatValue(value)}`);
  if (!query.getAll('attribute').every((wanted) => fields.includes(wanted))) return false;
  const conditions = query.getAll('where').map(parseCondition);
  if (!conditions.every((each) => each !== undefined && fulfils(log.attributes[each.key], each)))
    return false;
  const words = of('text').toLowerCase().split(/\s+/).filter(Boolean);
  const text = [log.message, log.context ?? '', ...fields].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The lines that match the address: a first page, more on demand, and new ones as they are written. */
export function useLogs(place: Place, live: boolean): LivePages<LogAnswer> {
  const { query } = place;
  const filters = LOG_FILTERS.map((name) => query.getAll(name).join(' & ')).join('|');
  const ofTrace = query.has('traceId');
  return useLivePages({
    // The lines of one trace are wanted whenever it was.
    key: `logs|${ofTrace ? '' : spanKeyOf(place)}|${filters}`,
    ask: (before, signal) => {
      const { from, to, minutes } = timeSpanOf(query);
      const span = ofTrace ? {} : minutes === undefined ? { from, to } : { from };
      return logsApi.get('logs', { ...logQueryOf(place), ...span, before, limit: PAGE }, signal);
    },
    idOf: ({ id }) => id,
    ageOf: ({ time }) => time,
    most: MOST,
    live,
    stream: 'logs',
    take: (item) => (item.type === 'log' && matches(item.log, place) ? item.log : undefined),
    bunchMs: BUNCH_MS,
    // A line that comes in does not say of which process it is.
    asksAgain: hasChoice(query),
  });
}
