import { useState } from 'preact/hooks';

import type { RouteAnswer } from '../../../reader/answers.interface.js';
import { clientOf } from '../../../ui/client.js';
import { formatAge, formatCount, formatDuration, formatRate, formatShare } from '../../../ui/format.js';
import { WhenLoaded } from '../../../ui/parts/notice.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { addressOf, isLive, type Place, REFRESH_MS, spanKeyOf, timeSpanOf } from '../../../ui/state.js';
import type { HealthApi } from '../../health/query.js';
import { attributesOfSource, sourceOf } from '../../trace/view/source-link.js';
import type { OverviewApi } from '../query.js';

const healthApi = clientOf<HealthApi>();
const overviewApi = clientOf<OverviewApi>();

interface Column {
  readonly name: string;
  readonly number?: boolean;
  readonly value: (route: RouteAnswer) => string | number;
}

const COLUMNS: readonly Column[] = [
  { name: 'Route', value: ({ route, method }) => `${route} ${method}` },
  { name: 'Service', value: ({ service }) => service },
  { name: 'Handler', value: ({ handler }) => handler ?? '' },
  { name: 'Requests', number: true, value: ({ count }) => count },
  { name: 'Rate', number: true, value: ({ perSecond }) => perSecond },
  { name: 'Errors', number: true, value: ({ errorShare }) => errorShare },
  { name: 'p50', number: true, value: ({ p50 }) => p50 ?? -1 },
  { name: 'p95', number: true, value: ({ p95 }) => p95 ?? -1 },
  { name: 'Last seen', number: true, value: ({ lastSeen }) => lastSeen ?? 0 },
];

/** Undefined as long as the application has not said how links to it look. */
type Editor = string | null | undefined;

interface RowProps {
  readonly route: RouteAnswer;
  readonly widest: number;
  readonly editor: Editor;
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

function Handler({ route, editor }: { readonly route: RouteAnswer; readonly editor: Editor }) {
  const href = sourceOf(attributesOfSource(route.source), editor)?.href;
  if (route.handler === undefined || href === undefined) return route.handler ?? '–';
  return (
    <a href={href} title="open in editor">
      {route.handler}
    </a>
  );
}

function Row({ route, widest, editor }: RowProps) {
  const never = route.count === 0;
  const of = { service: route.service, method: route.method, route: route.route };
  return (
    <tr class={never ? 'never' : ''}>
      <td class="route-name">
        <span
          class={`method method-${/^[a-z]+$/i.test(route.method) ? route.method.toLowerCase() : 'other'}`}
        >
          {route.method}
        </span>
        <a href={addressOf(['traces'], of)}>{route.route}</a>
      </td>
      <td>
        <i class={`swatch ${serviceClass(route.service)}`} aria-hidden="true" /> {route.service}
      </td>
      <td class="code">
        <Handler route={route} editor={editor} />
      </td>
      <td class="number">{never ? 'no requests' : formatCount(route.count)}</td>
      <td class="number">{never ? '–' : formatRate(route.perSecond)}</td>
      <td class={route.errorShare > 0 ? 'number bad' : 'number'}>
        {never ? (
          '–'
        ) : route.errorShare > 0 ? (
          <a href={addressOf(['traces'], { ...of, status: 'error' })}>{formatShare(route.errorShare)}</a>
        ) : (
          '0 %'
        )}
      </td>
      <td class="number">{formatDuration(route.p50)}</td>
      <td class="number">
        <span class="bar" aria-hidden="true" style={{ width: `${((route.p95 ?? 0) / widest) * 60}px` }} />
        {formatDuration(route.p95)}
      </td>
      <td class="number hint">{never ? '–' : formatAge(route.lastSeen)}</td>
    </tr>
  );
}

function Table({ routes, editor }: { readonly routes: readonly RouteAnswer[]; readonly editor: Editor }) {
  const [sort, setSort] = useState({ by: 3, down: true });
  const column = COLUMNS[sort.by];
  const sorted = [...routes].sort((a, b) => {
    const order = column ? compare(column.value(a), column.value(b)) : 0;
    return (sort.down ? -order : order) || a.route.localeCompare(b.route);
  });
  const widest = Math.max(1, ...routes.map(({ p95 }) => p95 ?? 0));
  return (
    <table class="grid">
      <thead>
        <tr>
          {COLUMNS.map(({ name, number }, index) => (
            <th
              key={name}
              scope="col"
              class={number ? 'number' : ''}
              aria-sort={sort.by === index ? (sort.down ? 'descending' : 'ascending') : undefined}
            >
              <button
                type="button"
                onClick={() => {
                  setSort({ by: index, down: sort.by === index ? !sort.down : number === true });
                }}
              >
                {name}
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((route) => (
          <Row
            key={`${route.service} ${route.method} ${route.route}`}
            route={route}
            widest={widest}
            editor={editor}
          />
        ))}
      </tbody>
    </table>
  );
}

/** Every route of every service, also those that nobody has called. */
export function RouteTable({ place }: { readonly place: Place }) {
  const routes = useLoad(
    `routes|${spanKeyOf(place)}`,
    (signal) => {
      const { from, to } = timeSpanOf(place.query);
      return overviewApi.get('routes', { from, to }, signal);
    },
    { everyMs: isLive(place) ? REFRESH_MS : undefined, keep: true },
  );
  const health = useLoad('editor', (signal) => healthApi.get('health', {}, signal));
  return (
    <section class="card routes" aria-label="Routes">
      <header>
        <h2>Routes</h2>
        {routes.data && (
          <span class="hint">
            {formatCount(routes.data.length)}, of which{' '}
            {formatCount(routes.data.filter(({ count }) => count === 0).length)} without requests
          </span>
        )}
      </header>
      <WhenLoaded
        loaded={routes}
        isEmpty={(list) => list.length === 0}
        empty="The application has no routes yet."
      >
        {(list) => (
          <div class="scroll-x">
            <Table routes={list} editor={health.data ? health.data.editor : null} />
          </div>
        )}
      </WhenLoaded>
    </section>
  );
}
