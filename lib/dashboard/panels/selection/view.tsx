import type { SelectionAnswer } from '../../reader/answers/traces.interface.js';
import type { Selection } from '../../reader/telemetry-reader.interface.js';
import { clientOf } from '../../ui/client.js';
import { formatDuration, formatShare, formatTime, plural } from '../../ui/format.js';
import { WhenLoaded } from '../../ui/parts/notice.js';
import { SidePanel } from '../../ui/parts/side-panel.js';
import { failedSpans, statusOf, toneOf } from '../../ui/parts/trace-outcome.js';
import { useLoad } from '../../ui/parts/use-load.js';
import { NO_REGION, selectedRegion } from '../../ui/selected-region.js';
import { addressOf, type Place, setQuery } from '../../ui/state.js';
import type { SelectionApi } from './query.js';

const regionApi = clientOf<SelectionApi>();

const percent = (share: number): string => `${Math.round(share * 100)}%`;

/** ` (4×)`, where the others have it at all. */
const timesMore = (selected: number, other: number): string =>
  other > 0 && selected / other >= 1.5
    ? ` (${(selected / other).toFixed(selected / other < 10 ? 1 : 0).replace(/\.0$/, '')}×)`
    : '';

function Differences({ result }: { readonly result: SelectionAnswer }) {
  if (result.selected === 0) return <p class="hint">There is no trace in this region.</p>;
  if (result.attributes.length === 0)
    return <p class="hint">The selected traces have nothing more often than chance explains.</p>;
  return (
    <ol class="differences">
      {result.attributes.map(({ key, value, selectedShare, otherShare, alike }) => (
        <li key={`${key}:${value}`}>
          <a href={addressOf(['traces'], { attribute: `${key}:${value}` })}>
            {key} = <b>{value}</b>
          </a>
          <span class="difference" title="Share of the selected traces, and of the others">
            <i class="share share-selected" style={{ width: percent(selectedShare) }} />
            <i class="share share-other" style={{ width: percent(otherShare) }} />
          </span>
          <span class="number">
            {formatShare(selectedShare)} here,{' '}
            <span class="hint">
              {formatShare(otherShare)} elsewhere{timesMore(selectedShare, otherShare)}
            </span>
          </span>
          {alike.length > 0 && (
            <details class="hint">
              <summary>and {plural(alike.length, 'attribute')} of the same traces</summary>
              {alike.map((one) => (
                <a
                  key={`${one.key}:${one.value}`}
                  href={addressOf(['traces'], { attribute: `${one.key}:${one.value}` })}
                >
                  {one.key} = {one.value}
                </a>
              ))}
            </details>
          )}
        </li>
      ))}
    </ol>
  );
}

function Selected({ result }: { readonly result: SelectionAnswer }) {
  return (
    <ul class="selected-traces">
      {result.traces.slice(0, 30).map((trace) => (
        <li key={trace.traceId}>
          <span class={`status status-${toneOf(trace)}`}>{statusOf(trace)}</span>
          <a href={addressOf(['trace', trace.traceId])}>{trace.name}</a>
          {trace.errorCount > 0 && (
            <b class="mark mark-error" role="img" aria-label={failedSpans(trace)} title={failedSpans(trace)}>
              !
            </b>
          )}
          <span class="number">{formatDuration(trace.durationMs)}</span>
          <span class="hint">{formatTime(trace.start, false)}</span>
        </li>
      ))}
    </ul>
  );
}

function Panel({ selection }: { readonly selection: Selection }) {
  const { from, to, minMs, maxMs, service, route } = selection;
  const loaded = useLoad(`selection|${JSON.stringify(selection)}`, (signal) =>
    regionApi.post('selection', JSON.stringify(selection), signal),
  );
  const close = (): void => {
    setQuery(NO_REGION);
  };
  return (
    <SidePanel
      class="selection"
      label="Selected region"
      head={<span class="panel-title">Selected region</span>}
      closes="Close the selection"
      onClose={close}
    >
      <p>
        {formatTime(from, false)} – {formatTime(to, false)}
        {minMs !== undefined &&
          maxMs !== undefined &&
          `, ${formatDuration(minMs)} to ${formatDuration(maxMs)}`}
        <br />
        <span class="hint">{[service, route].filter(Boolean).join(' · ') || 'All services'}</span>
      </p>
      <p class="buttons">
        <button
          type="button"
          onClick={() => {
            setQuery({ ...NO_REGION, from, to });
          }}
        >
          Zoom to this time
        </button>
        <a
          class="button"
          href={addressOf(['traces'], {
            from,
            to,
            service,
            route,
            min: minMs === undefined ? undefined : `${minMs}ms`,
            max: maxMs === undefined ? undefined : `${maxMs}ms`,
          })}
        >
          List them
        </a>
      </p>
      <WhenLoaded loaded={loaded}>
        {(result) => (
          <>
            <h3>
              What these {plural(result.selected, 'trace')} have in common{' '}
              <span class="hint">(others: {result.others})</span>
            </h3>
            <Differences result={result} />
            <h3>Traces</h3>
            <Selected result={result} />
          </>
        )}
      </WhenLoaded>
    </SidePanel>
  );
}

/** What the traces of a selected region have more often than the others; empty while no region is selected. */
export function SelectionPanel({ place }: { readonly place: Place }) {
  const selection = selectedRegion(place);
  return selection ? <Panel selection={selection} /> : null;
}
