import { clientOf } from '../../ui/client.js';
import { formatAge, formatCount, formatDateTime, plural } from '../../ui/format.js';
import type { PanelView } from '../../ui/panel-view.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { ServiceNames } from '../../ui/parts/service-names.js';
import { type Column, Table } from '../../ui/parts/table.js';
import { useSpanLoad } from '../../ui/parts/use-load.js';
import { addressOf, type Place } from '../../ui/state.js';
import type { ErrorGroup, ErrorsApi } from './query.js';

const errorsApi = clientOf<ErrorsApi>();

const COLUMNS: readonly Column<ErrorGroup>[] = [
  {
    name: 'Error',
    cell: ({ type, message, traceId, spanId }) => (
      <>
        <a href={addressOf(['trace', traceId], { span: spanId })}>{type}</a>{' '}
        <span class="hint">{message.slice(0, 200)}</span>
      </>
    ),
  },
  { name: 'Service', cell: ({ service }) => <ServiceNames of={{ service, services: [] }} /> },
  {
    name: 'Route',
    cell: ({ route }) =>
      route === undefined ? '–' : <a href={addressOf(['traces'], { route, status: 'error' })}>{route}</a>,
  },
  { name: 'Traces', number: true, sortBy: ({ count }) => count, cell: ({ count }) => formatCount(count) },
  ageColumn('First seen', ({ firstSeen }) => firstSeen),
  ageColumn('Last seen', ({ lastSeen }) => lastSeen),
];

function ageColumn(name: string, timeOf: (group: ErrorGroup) => number): Column<ErrorGroup> {
  return {
    name,
    number: true,
    sortBy: timeOf,
    title: (group) => formatDateTime(timeOf(group)),
    cell: (group) => formatAge(timeOf(group)),
  };
}

/** Errors of the time span by kind and route; each leads to its newest trace. */
function ErrorsView({ place }: { readonly place: Place }) {
  const loaded = useSpanLoad('errors', place, (span, signal) => errorsApi.get('errors', span, signal));
  return (
    <div class="stack-view">
      <h1 class="visually-hidden">Errors</h1>
      <WhenLoaded
        loaded={loaded}
        isEmpty={({ groups }) => groups.length === 0}
        empty="No errors in this time range."
      >
        {({ groups, traces, complete }) => (
          <div class="card scroll-x">
            <Table
              columns={COLUMNS}
              rows={groups}
              keyOf={({ service, traceId, spanId }) => `${service} ${traceId} ${spanId}`}
            />
            {!complete && <p class="hint pad">Of the newest {plural(traces, 'failed trace')}.</p>}
          </div>
        )}
      </WhenLoaded>
    </div>
  );
}

export const errorsView: PanelView = {
  name: 'errors',
  title: 'Errors',
  inHeader: true,
  usesTimeSpan: true,
  View: ErrorsView,
};
