import type { RouteAnswer } from '../../../reader/answers/traffic.interface.js';
import { formatAge, formatCount, formatDuration, formatRate, formatShare } from '../../../ui/format.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { attributesOfSource, sourceOf } from '../../../ui/parts/source-link.js';
import { Sparkline } from '../../../ui/parts/sparkline.js';
import type { Column } from '../../../ui/parts/table.js';
import { addressOf } from '../../../ui/state.js';
import type { RouteTrend } from '../route-changes.js';
import type { DescribedChange } from './describe-change.js';

/** A route with what is known of how it came about; undefined until the trends are loaded. */
export interface RouteRow extends RouteAnswer {
  readonly trend: RouteTrend | undefined;
  readonly change: DescribedChange | undefined;
}

const filterOf = ({ service, method, route }: RouteAnswer) => ({ service, method, route });

/** The page of a route. What matched none has no page: its name is empty, which chooses all. */
const pageOf = (row: RouteAnswer): string =>
  addressOf([row.route === '' ? 'traces' : 'route'], filterOf(row));

const route: Column<RouteAnswer> = {
  name: 'Route',
  class: () => 'one-line route-name',
  title: ({ method, route: name }) => `${method} ${name}`,
  sortBy: ({ route: name, method }) => `${name} ${method}`,
  cell: (row) => (
    <>
      <span class={`method method-${/^[a-z]+$/i.test(row.method) ? row.method.toLowerCase() : 'other'}`}>
        {row.method}
      </span>
      <a href={pageOf(row)}>{row.route || 'no matching route'}</a>
    </>
  ),
};

const service: Column<RouteAnswer> = {
  name: 'Service',
  class: () => 'one-line',
  title: ({ service: name }) => name,
  sortBy: ({ service: name }) => name,
  cell: ({ service: name }) => (
    <>
      <i class={`swatch ${serviceClass(name)}`} aria-hidden="true" /> {name}
    </>
  ),
};

/** @param editor how links to the source look; undefined or null: there are none */
const handlerOf = (editor: string | null | undefined): Column<RouteAnswer> => ({
  name: 'Handler',
  class: () => 'code route-handler',
  sortBy: ({ handler }) => handler ?? '',
  cell: ({ handler = '–', source }) => {
    const href = sourceOf(attributesOfSource(source), editor)?.href;
    // A line may break between class and method.
    const method = handler.indexOf('.') + 1;
    const name = (
      <>
        {handler.slice(0, method)}
        <wbr />
        {handler.slice(method)}
      </>
    );
    return href === undefined ? (
      name
    ) : (
      <a href={href} title="open in editor">
        {name}
      </a>
    );
  },
});

const lastSeen: Column<RouteAnswer> = {
  name: 'Last seen',
  number: true,
  class: () => 'hint',
  sortBy: ({ lastSeen: time }) => time ?? 0,
  cell: ({ lastSeen: time }) => formatAge(time),
};

/** Columns of routes that were called. */
export function calledColumns(editor: string | null | undefined): readonly Column<RouteRow>[] {
  return [
    route,
    service,
    handlerOf(editor),
    {
      name: 'Requests',
      number: true,
      sortBy: ({ count }) => count,
      cell: (row) => <a href={addressOf(['traces'], filterOf(row))}>{formatCount(row.count)}</a>,
    },
    {
      name: 'Rate',
      number: true,
      sortBy: ({ perSecond }) => perSecond,
      cell: ({ perSecond }) => formatRate(perSecond),
    },
    {
      name: 'Errors',
      number: true,
      sortBy: ({ errorShare }) => errorShare,
      class: ({ errorShare }) => (errorShare > 0 ? 'bad' : ''),
      cell: (row) => {
        const share = formatShare(row.errorShare);
        if (row.errorShare === 0) return share;
        return <a href={addressOf(['traces'], { ...filterOf(row), status: 'error' })}>{share}</a>;
      },
    },
    { name: 'p50', number: true, sortBy: ({ p50 }) => p50 ?? -1, cell: ({ p50 }) => formatDuration(p50) },
    {
      name: 'p95',
      number: true,
      sortBy: ({ p95 }) => p95 ?? -1,
      cell: ({ p95, trend }) => (
        <>
          <Sparkline values={trend?.p95} colour="--p95" /> {formatDuration(p95)}
        </>
      ),
    },
    {
      name: 'Change',
      class: ({ change }) => `route-change ${change?.tone ?? ''}`,
      number: true,
      sortBy: ({ change }) => change?.weight ?? 1,
      title: ({ change }) => change?.title ?? '',
      cell: ({ change }) => change?.text,
    },
    lastSeen,
  ];
}

/** Columns of routes without requests. */
export const unusedColumns = (editor: string | null | undefined): readonly Column<RouteAnswer>[] => [
  route,
  service,
  handlerOf(editor),
  lastSeen,
];
