import { clientOf } from '../../../ui/client.js';
import { formatAge, formatDateTime, formatExact } from '../../../ui/format.js';
import { Level } from '../../../ui/parts/level.js';
import { WhenLoaded } from '../../../ui/parts/notice.js';
import { Table } from '../../../ui/parts/table.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { addressOf, type Place } from '../../../ui/state.js';
import type { LogPattern } from '../patterns.js';
import type { LogsApi } from '../query.js';
import { LOG_FILTERS, logQueryOf } from './use-logs.js';
import { wordsOfPattern } from './words-of-pattern.js';

const logsApi = clientOf<LogsApi>();

/** Lines that one statement wrote, counted: what is new in many lines is seen at a glance. */
export function LogPatterns({ place }: { readonly place: Place }) {
  const filters = LOG_FILTERS.map((name) => place.query.getAll(name).join(' & ')).join('|');
  const loaded = useSpanLoad(`patterns|${filters}`, place, (span, signal) =>
    logsApi.get('logs/patterns', { ...logQueryOf(place), ...span }, signal),
  );
  return (
    <WhenLoaded
      loaded={loaded}
      isEmpty={({ patterns }) => patterns.length === 0}
      empty={<p>No lines match in this time span.</p>}
    >
      {({ read, isAll, patterns }) => (
        <div class="card pad log-patterns" role="region" aria-label="Patterns" tabIndex={0}>
          <p class="hint">
            {isAll ? `All ${formatExact(read)} lines` : `The newest ${formatExact(read)} lines`}, by what
            their messages have in common. New: not in the older half of their time.
          </p>
          <Table
            columns={COLUMNS}
            rows={patterns}
            keyOf={({ level, service, pattern }) => `${level}|${service}|${pattern}`}
          />
        </div>
      )}
    </WhenLoaded>
  );
}

function linesOf({ pattern, service, level }: LogPattern): string {
  return addressOf(['logs'], { service, level, text: wordsOfPattern(pattern) });
}

const COLUMNS = [
  {
    name: 'Lines',
    number: true,
    cell: ({ count }: LogPattern) => formatExact(count),
    sortBy: ({ count }: LogPattern) => count,
  },
  { name: 'Level', cell: ({ level }: LogPattern) => <Level level={level} /> },
  {
    name: 'Service',
    cell: ({ service }: LogPattern) => service,
    sortBy: ({ service }: LogPattern) => service,
  },
  {
    name: 'Message',
    class: () => 'log-pattern',
    cell: (each: LogPattern) => (
      <>
        {each.isNew && <b class="badge">new</b>} <a href={linesOf(each)}>{each.pattern || '(empty)'}</a>
      </>
    ),
  },
  {
    name: 'Last seen',
    cell: ({ lastSeen }: LogPattern) => formatAge(lastSeen),
    title: ({ lastSeen }: LogPattern) => formatDateTime(lastSeen),
    sortBy: ({ lastSeen }: LogPattern) => lastSeen,
  },
];
