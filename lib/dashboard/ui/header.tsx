import { VIEWS } from '../panels/views.js';
import { formatDateTime, formatTime } from './format.js';
import type { PanelView } from './panel-view.js';
import { addressOf, DEFAULT_RANGE, isLive, type Place, setQuery, timeSpanOf } from './state.js';
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
            <RangePicker place={place} />
            <LiveToggle place={place} />
          </>
        )}
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
