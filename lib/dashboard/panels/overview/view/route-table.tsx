import type { RouteAnswer } from '../../../reader/answers.interface.js';
import { clientOf } from '../../../ui/client.js';
import { formatAge, formatCount, formatDuration, formatRate, formatShare } from '../../../ui/format.js';
import { WhenLoaded } from '../../../ui/parts/notice.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import { useEditor } from '../../../ui/parts/use-editor.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { addressOf, type Place } from '../../../ui/state.js';
import { attributesOfSource, sourceOf } from '../../trace/view/source-link.js';
import type { OverviewApi } from '../query.js';

const overviewApi = clientOf<OverviewApi>();

const isUnused = ({ count }: RouteAnswer): boolean => count === 0;
const filterOf = ({ service, method, route }: RouteAnswer) => ({ service, method, route });

/** @param editor how links to the source look; undefined or null: there are none */
function columnsOf(widest: number, editor: string | null | undefined): readonly Column<RouteAnswer>[] {
  return [
    {
      name: 'Route',
      class: () => 'route-name',
      sortBy: ({ route, method }) => `${route} ${method}`,
      cell: (route) => (
        <>
          <span
            class={`method method-${/^[a-z]+$/i.test(route.method) ? route.method.toLowerCase() : 'other'}`}
          >
            {route.method}
          </span>
          <a href={addressOf(['traces'], filterOf(route))}>{route.route || 'no matching route'}</a>
        </>
      ),
    },
    {
      name: 'Service',
      sortBy: ({ service }) => service,
      cell: ({ service }) => (
        <>
          <i class={`swatch ${serviceClass(service)}`} aria-hidden="true" /> {service}
        </>
      ),
    },
    {
      name: 'Handler',
      class: () => 'code',
      sortBy: ({ handler }) => handler ?? '',
      cell: ({ handler = '–', source }) => {
        const href = sourceOf(attributesOfSource(source), editor)?.href;
        return href === undefined ? (
          handler
        ) : (
          <a href={href} title="open in editor">
            {handler}
          </a>
        );
      },
    },
    {
      name: 'Requests',
      number: true,
      sortBy: ({ count }) => count,
      cell: (route) => (isUnused(route) ? 'no requests' : formatCount(route.count)),
    },
    {
      name: 'Rate',
      number: true,
      sortBy: ({ perSecond }) => perSecond,
      cell: (route) => (isUnused(route) ? '–' : formatRate(route.perSecond)),
    },
    {
      name: 'Errors',
      number: true,
      sortBy: ({ errorShare }) => errorShare,
      class: ({ errorShare }) => (errorShare > 0 ? 'bad' : ''),
      cell: (route) => {
        if (isUnused(route)) return '–';
        const share = formatShare(route.errorShare);
        if (route.errorShare === 0) return share;
        return <a href={addressOf(['traces'], { ...filterOf(route), status: 'error' })}>{share}</a>;
      },
    },
    { name: 'p50', number: true, sortBy: ({ p50 }) => p50 ?? -1, cell: ({ p50 }) => formatDuration(p50) },
    {
      name: 'p95',
      number: true,
      sortBy: ({ p95 }) => p95 ?? -1,
      cell: ({ p95 }) => (
        <>
          <span class="bar" aria-hidden="true" style={{ width: `${((p95 ?? 0) / widest) * 60}px` }} />
          {formatDuration(p95)}
        </>
      ),
    },
    {
      name: 'Last seen',
      number: true,
      class: () => 'hint',
      sortBy: ({ lastSeen }) => lastSeen ?? 0,
      cell: (route) => (isUnused(route) ? '–' : formatAge(route.lastSeen)),
    },
  ];
}

/** Every route of every service, also those without requests. */
export function RouteTable({ place }: { readonly place: Place }) {
  const routes = useSpanLoad('routes', place, (span, signal) => overviewApi.get('routes', span, signal));
  const editor = useEditor();
  return (
    <section class="card routes" aria-label="Routes">
      <header>
        <h2>Routes</h2>
        {routes.data && (
          <span class="hint">
            {formatCount(routes.data.length)}, of which {formatCount(routes.data.filter(isUnused).length)}{' '}
            without requests
          </span>
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
        {(list) => (
          <div class="scroll-x">
            <Table
              columns={columnsOf(Math.max(1, ...list.map(({ p95 }) => p95 ?? 0)), editor)}
              // The order among equals.
              rows={[...list].sort((a, b) => a.route.localeCompare(b.route))}
              keyOf={({ service, method, route }) => `${service} ${method} ${route}`}
              rowClass={(route) => (isUnused(route) ? 'never' : '')}
              sortedBy="Requests"
            />
          </div>
        )}
      </WhenLoaded>
    </section>
  );
}
