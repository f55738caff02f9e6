import { useEffect, useRef, useState } from 'preact/hooks';

import { clientOf } from '../../ui/client.js';
import { formatCount, plural } from '../../ui/format.js';
import { TextField } from '../../ui/parts/fields.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { serviceClass } from '../../ui/parts/service-colour.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressWith, isLive, type Place } from '../../ui/state.js';
import type { MetricsApi } from './query.js';
import { MetricDetails } from './view/metric-details.js';
import {
  describeKind,
  findEntry,
  groupInstruments,
  isMatch,
  type MetricEntry,
} from './view/metric-entries.js';

const metricsApi = clientOf<MetricsApi>();

const REFRESH_MS = 15_000;
/** What one looks for first; where it is missing, the first by name is as good as any. */
const OPENED_FIRST = 'http.server.request.duration';
/** Of more services only how many there are is said. */
const MOST_NAMED = 3;

interface EntryListProps {
  readonly entries: readonly MetricEntry[];
  readonly chosen: MetricEntry | undefined;
}

function EntryList({ entries, chosen }: EntryListProps) {
  const [text, setText] = useState('');
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    // Only at first: what is clicked is in sight.
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, []);
  const shown = entries.filter((entry) => isMatch(entry, text));
  return (
    <div class="card instruments">
      <TextField type="search" label="Search names and descriptions  ( / )" value={text} onChange={setText} />
      <p class="hint">
        {formatCount(shown.length)} of {formatCount(entries.length)}
      </p>
      <ul ref={list}>
        {shown.map((entry) => (
          <li key={entry.key}>
            <a
              href={addressWith({
                metric: entry.key,
                service: undefined,
                filter: undefined,
                group: undefined,
              })}
              aria-current={entry === chosen ? 'true' : undefined}
            >
              <span class="code">{entry.name}</span>
              <span class="hint">
                <Services of={entry} /> · {describeKind(entry)}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Services({ of: { instruments } }: { readonly of: MetricEntry }) {
  const names = [...new Set(instruments.map(({ service }) => service))];
  if (names.length > MOST_NAMED) return <>{plural(names.length, 'service')}</>;
  return (
    <>
      {names.map((name, index) => (
        <span key={name} class={serviceClass(name)}>
          {index > 0 && ', '}
          <i class="swatch" aria-hidden="true" /> {name}
        </span>
      ))}
    </>
  );
}

/** Every metric that has reported, whichever services have it, and one of them over time. */
export function View({ place }: { readonly place: Place }) {
  const loaded = useLoad('metrics', (signal) => metricsApi.get('metrics', {}, signal), {
    everyMs: isLive(place) ? REFRESH_MS : undefined,
  });
  return (
    <WhenLoaded
      loaded={loaded}
      isEmpty={(list) => list.length === 0}
      empty="No instrument has reported yet. Metrics are collected every few seconds once the application has something to measure: send it a request."
    >
      {(list) => {
        const entries = groupInstruments(list);
        const first = entries.find(({ name }) => name === OPENED_FIRST) ?? entries[0];
        const { entry, service } = findEntry(entries, place.query.get('metric') ?? first?.key ?? '');
        return (
          <div class="metrics">
            <h1 class="visually-hidden">Metrics</h1>
            <EntryList entries={entries} chosen={entry} />
            {entry ? (
              <MetricDetails
                key={entry.key}
                entry={entry}
                entries={entries}
                service={place.query.get('service') ?? service ?? ''}
                place={place}
              />
            ) : (
              <Notice>There is no such metric.</Notice>
            )}
          </div>
        );
      }}
    </WhenLoaded>
  );
}
