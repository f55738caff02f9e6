import { VIEWS } from '../panels/views.js';
import { formatDateTime, formatTime } from './format.js';
import { showKeysHelp } from './keys-help.js';
import type { PanelView } from './panel-view.js';
import { CopyButton } from './parts/copy-button.js';
import { ProcessPicker } from './process-picker.js';
import { showSavedViews } from './saved-views.js';
import { addressOf, addressWith, DEFAULT_RANGE, isLive, type Place, setQuery, timeSpanOf } from './state.js';
import { toggleTheme, useTheme } from './theme.js';

const RANGES = ['5m', '15m', '1h', '6h', '24h'];

function RangePicker({ place }: { readonly place: Place }) {
  const { query } = place;
  const { from, to, minutes } = timeSpanOf(query);
  const range = query.get('range') ?? DEFAULT_RANGE;
  if (minutes === undefined) {
    return (
      <div class="range" role="group" aria-label="Time span">
        <span class="range-fixed" title={`${formatDateTime(from)} to ${formatDateTime(to)}`}>
          {formatTime(from, false)} – {formatTime(to, false)}
        </span>
        <button
          type="button"
          title="Back to a time span that ends now"
          onClick={() => {
            setQuery({ from: undefined, to: undefined });
          }}
        >
          Back to live
        </button>
      </div>
    );
  }
  return (
    <div class="range segmented" role="group" aria-label="Time span">
      {(RANGES.includes(range) ? RANGES : [...RANGES, range]).map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === range}
          onClick={() => {
            setQuery({ range: each === DEFAULT_RANGE ? undefined : each });
          }}
        >
          {each}
        </button>
      ))}
    </div>
  );
}

function LiveToggle({ place }: { readonly place: Place }) {
  const live = isLive(place);
  const fixed = timeSpanOf(place.query).minutes === undefined;
  return (
    <button
      type="button"
      class={live ? 'live live-on' : 'live'}
      aria-pressed={live}
      disabled={fixed}
      title={fixed ? 'A fixed time span does not move' : live ? 'Stop following' : 'Follow new data'}
      onClick={() => {
        setQuery({ live: live ? '0' : undefined }, { replace: true });
      }}
    >
      <i aria-hidden="true" />
      {live ? 'Live' : 'Paused'}
    </button>
  );
}

/** The address of what is shown, with the time span as of now: a relative one would be another one tomorrow. */
function linkOf({ query }: Place): string {
  const { origin, pathname } = location;
  const { from, to, minutes } = timeSpanOf(query);
  const span = minutes === undefined ? {} : { range: undefined, from: Math.round(from), to: Math.round(to) };
  return `${origin}${pathname}${addressWith(span)}`;
}

/** For a time span between two instants, which does not move. */
function FixedRange({ from, to }: { readonly from: number; readonly to: number }) {
  const local = (time: number): string => formatDateTime(time).slice(0, 19).replace(' ', 'T');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement; // the listener's element
    const [start, end] = ['from', 'to'].map((name) =>
      Date.parse(form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value ?? ''),
    );
    if (start === undefined || end === undefined || !(start < end)) return;
    setQuery({ from: start, to: end });
    form.closest('details')?.removeAttribute('open');
  };
  return (
    <details class="range-picker">
      <summary title="A time span between two instants">From … to</summary>
      <form class="card" onSubmit={submit}>
        {[['from', 'From', from] as const, ['to', 'To', to] as const].map(([name, label, time]) => (
          <label key={name}>
            {label}{' '}
            <input
              class="field"
              type="datetime-local"
              step="1"
              name={name}
              defaultValue={local(time)}
              required
            />
          </label>
        ))}
        <button type="submit">Show</button>
      </form>
    </details>
  );
}

/** Links to the panels, the time span, and the theme. */
export function Header({ place, view }: { readonly place: Place; readonly view: PanelView | undefined }) {
  const theme = useTheme();
  const current = view?.inHeader === true ? view.name : view?.inHeader;
  return (
    <header class="header">
      <a class="brand" href={addressOf(['overview'])} aria-label="Telemetry, overview">
        <i aria-hidden="true" /> <span>Telemetry</span>
      </a>
      <nav aria-label="Views">
        {VIEWS.filter(({ inHeader }) => inHeader === true).map(({ name, title }) => (
          <a key={name} href={addressOf([name])} aria-current={name === current ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <div class="header-end">
        {view?.usesTimeSpan !== false && (
          <>
            <ProcessPicker place={place} />
            <RangePicker place={place} />
            <FixedRange {...timeSpanOf(place.query)} />
            <LiveToggle place={place} />
          </>
        )}
        <CopyButton text={() => linkOf(place)}>Copy link</CopyButton>
        <button type="button" onClick={showSavedViews} aria-label="Saved views" title="Saved views. Key: v">
          ★
        </button>
        <button type="button" onClick={showKeysHelp} aria-label="Keys" title="Key: ?">
          ?
        </button>
        <button
          type="button"
          onClick={toggleTheme}
          aria-label={`Use the ${theme === 'dark' ? 'light' : 'dark'} theme`}
        >
          {theme === 'dark' ? '☀' : '☾'}
        </button>
      </div>
    </header>
  );
}
