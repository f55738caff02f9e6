import { useEffect, useRef, useState } from 'preact/hooks';

import type { InstrumentAnswer } from '../../reader/answers.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatCount } from '../../ui/format.js';
import { TextField } from '../../ui/parts/fields.js';
import { Notice, WhenLoaded } from '../../ui/parts/notice.js';
import { serviceClass } from '../../ui/parts/service-colour.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { addressWith, isLive, type Place } from '../../ui/state.js';
import type { MetricsApi } from './query.js';
import { instrumentText, MetricDetails } from './view/metric-details.js';

const metricsApi = clientOf<MetricsApi>();

const REFRESH_MS = 15_000;
/** What one looks for first; where it is missing, the first by name is as good as any. */
const OPENED_FIRST = 'http.server.request.duration';

interface InstrumentListProps {
  readonly instruments: readonly InstrumentAnswer[];
  readonly chosen: number | undefined;
}

function InstrumentList({ instruments, chosen }: InstrumentListProps) {
  const [text, setText] = useState('');
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    // Only at first: what is clicked is in sight.
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, []);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = instruments.filter(({ name, service, description }) => {
    const all = `${name} ${service} ${description}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
  return (
    <div class="card instruments">
      <TextField type="search" label="Search instruments  ( / )" value={text} onChange={setText} />
      <p class="hint">
        {formatCount(shown.length)} of {formatCount(instruments.length)}
      </p>
      <ul ref={list}>
        {shown.map(({ id, name, service, type, unit }) => (
          <li key={id} class={serviceClass(service)}>
            <a
              href={addressWith({ metric: id, filter: undefined, group: undefined })}
              aria-current={id === chosen ? 'true' : undefined}
            >
              <span class="code">{name}</span>
              <span class="hint">
                <i class="swatch" aria-hidden="true" /> {service} · {instrumentText({ type, unit })}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Every instrument that has reported, and one of them over time. */
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
        const sorted = [...list].sort(
          (a, b) => a.name.localeCompare(b.name) || a.service.localeCompare(b.service),
        );
        const first = sorted.find(({ name }) => name === OPENED_FIRST) ?? sorted[0];
        const chosen = Number(place.query.get('metric') ?? first?.id);
        const instrument = list.find(({ id }) => id === chosen);
        return (
          <div class="metrics">
            <h1 class="visually-hidden">Metrics</h1>
            <InstrumentList instruments={sorted} chosen={chosen} />
            {instrument ? (
              <MetricDetails key={instrument.id} instrument={instrument} place={place} />
            ) : (
              <Notice>There is no such instrument.</Notice>
            )}
          </div>
        );
      }}
    </WhenLoaded>
  );
}
