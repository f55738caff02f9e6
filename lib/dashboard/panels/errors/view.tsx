import { clientOf } from '../../ui/client.js';
import { formatAge, formatCount, formatDateTime, plural } from '../../ui/format.js';
import type { PanelView } from '../../ui/panel-view.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { ServiceNames } from '../../ui/parts/service-names.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressOf, isLive, type Place, REFRESH_MS, spanKeyOf, timeSpanOf } from '../../ui/state.js';
import type { ErrorGroup, ErrorsApi } from './query.js';

const errorsApi = clientOf<ErrorsApi>();

function Row({ group }: { readonly group: ErrorGroup }) {
  const { type, message, service, route, count, firstSeen, lastSeen, traceId, spanId } = group;
  return (
    <tr>
      <td>
        <a href={addressOf(['trace', traceId], { span: spanId })}>{type}</a>{' '}
        <span class="hint">{message.slice(0, 200)}</span>
      </td>
      <td>
        <ServiceNames of={{ service, services: [] }} />
      </td>
      <td>
        {route === undefined ? '–' : <a href={addressOf(['traces'], { route, status: 'error' })}>{route}</a>}
      </td>
      <td class="number">{formatCount(count)}</td>
      <td class="number" title={formatDateTime(firstSeen)}>
        {formatAge(firstSeen)}
      </td>
      <td class="number" title={formatDateTime(lastSeen)}>
        {formatAge(lastSeen)}
      </td>
    </tr>
  );
}

/** Errors of the time span by kind and route; each leads to its newest trace. */
function ErrorsView({ place }: { readonly place: Place }) {
  const loaded = useLoad(
    `errors|${spanKeyOf(place)}`,
    (signal) => {
      const { from, to } = timeSpanOf(place.query);
      return errorsApi.get('errors', { from, to }, signal);
    },
    { everyMs: isLive(place) ? REFRESH_MS : undefined, keep: true },
  );
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
            <table class="grid">
              <thead>
                <tr>
                  <th scope="col">Error</th>
                  <th scope="col">Service</th>
                  <th scope="col">Route</th>
                  <th scope="col" class="number">
                    Traces
                  </th>
                  <th scope="col" class="number">
                    First seen
                  </th>
                  <th scope="col" class="number">
                    Last seen
                  </th>
                </tr>
              </thead>
              <tbody>
                {groups.map((group) => (
                  <Row key={`${group.service} ${group.traceId} ${group.spanId}`} group={group} />
                ))}
              </tbody>
            </table>
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
