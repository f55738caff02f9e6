import { clientOf } from '../../../ui/client.js';
import { formatDuration } from '../../../ui/format.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { hasChoice } from '../../../ui/process-choice.js';
import { addressOf, isLive, type Place } from '../../../ui/state.js';
import type { TracesApi } from '../query.js';

const tracesApi = clientOf<TracesApi>();

const REFRESH_MS = 1_000;
const MOST = 50;

/** How many requests, messages and runs have not ended; opens to their names and for how long they run. */
export function RunningTraces({ place }: { readonly place: Place }) {
  const { data } = useLoad('running', (signal) => tracesApi.get('running', {}, signal), {
    everyMs: isLive(place) ? REFRESH_MS : undefined,
    keep: true,
  });
  const wanted = place.query.get('service') ?? '';
  const running = data?.filter(({ service }) => wanted === '' || service === wanted) ?? [];
  // What runs does not say of which process it is, but for this one.
  if (running.length === 0 || hasChoice(place.query)) return null;
  return (
    <details class="running">
      <summary>{running.length} running</summary>
      <ul class="card">
        {running.slice(0, MOST).map(({ traceId, spanId, name, service, elapsedMs }) => (
          <li key={spanId} class={serviceClass(service)}>
            <i class="swatch" aria-hidden="true" /> <a href={addressOf(['trace', traceId])}>{name}</a>{' '}
            <span class="hint">{service}</span> <b class="number">{formatDuration(elapsedMs)}</b>
          </li>
        ))}
      </ul>
    </details>
  );
}
