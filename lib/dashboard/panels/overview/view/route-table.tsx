import { useMemo, useState } from 'preact/hooks';

import type { RouteAnswer } from '../../../reader/answers/traffic.interface.js';
import { formatExact, plural } from '../../../ui/format.js';
import { Coverage } from '../../../ui/parts/coverage.js';
import { TextField } from '../../../ui/parts/fields.js';
import { WhenLoaded } from '../../../ui/parts/notice.js';
import { Table } from '../../../ui/parts/table.js';
import { useEditor } from '../../../ui/parts/use-editor.js';
import type { Loaded } from '../../../ui/parts/use-load.js';
import { addressOf, type Place, setQuery } from '../../../ui/state.js';
import type { TrendsPageAnswer } from '../query.js';
import { describeChange } from './describe-change.js';
import { calledColumns, type RouteRow, unusedColumns } from './route-columns.js';

/** More rows than a reader looks through, and than are drawn without a hitch. */
const MOST_ROWS = 100;
/** So many are found without a search. */
const FEW = 15;

const isUnused = ({ count }: RouteAnswer): boolean => count === 0;
const keyOf = ({ service, method, route }: Pick<RouteAnswer, 'service' | 'method' | 'route'>): string =>
  `${service} ${method} ${route}`;

/** Routes with their trends; in the order among equals. */
function rowsOf(routes: readonly RouteAnswer[], trends: TrendsPageAnswer | undefined): readonly RouteRow[] {
  const known = new Map(trends?.routes.map((trend) => [keyOf(trend), trend]));
  const times = trends && {
    recentMs:
      (trends.times.at(-1) ?? 0) + (trends.times[1] ?? 0) - (trends.times[0] ?? 0) - trends.recentFrom,
    beforeMs: trends.before.to - trends.before.from,
  };
  return routes
    .map((route) => {
      const trend = known.get(keyOf(route));
      return { ...route, trend, change: trend && times && describeChange(trend.change, times) };
    })
    .sort((a, b) => b.count - a.count || a.route.localeCompare(b.route));
}

const has = (text: string) => (route: RouteAnswer) =>
  `${route.method} ${route.route} ${route.service} ${route.handler ?? ''}`.toLowerCase().includes(text);

interface RouteTableProps {
  readonly place: Place;
  readonly routes: Loaded<readonly RouteAnswer[]>;
  readonly trends: TrendsPageAnswer | undefined;
}

/** Every route of every service, what changed first; those without requests are one line. */
export function RouteTable({ place, routes, trends }: RouteTableProps) {
  const editor = useEditor();
  const [text, setText] = useState('');
  const all = routes.data;
  const rows = useMemo(() => all && rowsOf(all, trends).filter(has(text.toLowerCase())), [all, trends, text]);
  const called = rows?.filter((row) => !isUnused(row)) ?? [];
  const columns = useMemo(() => calledColumns(editor), [editor]);
  return (
    <section class="card routes" aria-label="Routes">
      <header>
        <h2>Routes</h2>
        {all && <span class="hint">{formatExact(all.length)}</span>}
        {all && all.length > FEW && (
          <TextField type="search" label="Find routes" value={text} onChange={setText} />
        )}
        <a class="header-end" href={addressOf(['versions'], { by: 'time' })}>
          Compare with the time before
        </a>
      </header>
      <WhenLoaded
        loaded={routes}
        isEmpty={(list) => list.length === 0}
        empty="The application has no routes yet."
      >
        {() => (
          <>
            <Coverage of={trends?.coverage} />
            {called.length > 0 ? (
              <div class="scroll-x">
                <Table columns={columns} rows={called} keyOf={keyOf} sortedBy="Change" most={MOST_ROWS} />
              </div>
            ) : (
              <p class="hint pad">
                {text === '' ? 'No requests in this time range.' : 'No route with requests has this in it.'}
              </p>
            )}
            <UnusedRoutes place={place} rows={rows?.filter(isUnused) ?? []} editor={editor} />
          </>
        )}
      </WhenLoaded>
    </section>
  );
}

interface UnusedRoutesProps {
  readonly place: Place;
  readonly rows: readonly RouteAnswer[];
  readonly editor: string | null | undefined;
}

/** Routes without requests: one line, and a table when it is opened. */
function UnusedRoutes({ place, rows, editor }: UnusedRoutesProps) {
  if (rows.length === 0) return null;
  const isOpen = place.query.get('unused') === '1';
  return (
    <>
      <button
        type="button"
        class="fold unused-routes"
        aria-expanded={isOpen}
        onClick={() => {
          setQuery({ unused: isOpen ? undefined : 1 }, { replace: true });
        }}
      >
        {plural(rows.length, 'route')} without requests
      </button>
      {isOpen && (
        <div class="scroll-x">
          <Table
            columns={unusedColumns(editor)}
            rows={rows}
            keyOf={keyOf}
            rowClass={() => 'never'}
            sortedBy="Last seen"
            most={MOST_ROWS}
          />
        </div>
      )}
    </>
  );
}
