import { formatDateTime, formatTime } from './format.js';
import { addressOf, DEFAULT_RANGE, setQuery, timeSpanOf, type Place } from './state.js';
import { toggleTheme, useTheme } from './theme.js';

const VIEWS = [
  ['overview', 'Overview'],
  ['traces', 'Traces'],
  ['logs', 'Logs'],
  ['metrics', 'Metrics'],
  ['health', 'Health'],
] as const;
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
          title="Back to the time span up to now"
          onClick={() => {
            setQuery({ from: undefined, to: undefined });
          }}
        >
          Up to now
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
      title={fixed ? 'A fixed time span does not move' : live ? 'Stop following' : 'Follow what comes in'}
      onClick={() => {
        setQuery({ live: live ? '0' : undefined }, { replace: true });
      }}
    >
      <i aria-hidden="true" />
      {live ? 'Live' : 'Paused'}
    </button>
  );
}

/** Whether views follow what comes in. */
export const isLive = ({ query }: Place): boolean =>
  query.get('live') !== '0' && timeSpanOf(query).minutes !== undefined;

/** Where one is and can go, the time span, and the theme. */
export function Header({ place }: { readonly place: Place }) {
  const name = place.path[0] ?? 'overview';
  const theme = useTheme();
  const within = name === 'trace' || name === 'compare' ? 'traces' : name;
  return (
    <header class="header">
      <a class="brand" href={addressOf(['overview'])} aria-label="Telemetry, overview">
        <i aria-hidden="true" /> <span>Telemetry</span>
      </a>
      <nav aria-label="Views">
        {VIEWS.map(([path, label]) => (
          <a key={path} href={addressOf([path])} aria-current={path === within ? 'page' : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <div class="header-end">
        {name !== 'health' && name !== 'trace' && name !== 'compare' && (
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
