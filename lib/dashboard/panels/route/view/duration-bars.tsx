import { useRef } from 'preact/hooks';

import type { DurationsAnswer } from '../../../reader/answers/traffic.interface.js';
import { moveFocus } from '../../../ui/charts/move-focus.js';
import { formatDuration, plural } from '../../../ui/format.js';
import { Notice } from '../../../ui/parts/notice.js';
import { addressOf, type QueryChange } from '../../../ui/state.js';
import { barQuery, ticksOf } from './bar-scale.js';

interface DurationBarsProps {
  readonly durations: DurationsAnswer;
  /** What narrows the traces to the route. */
  readonly query: QueryChange;
}

/** How many requests took how long, on a logarithmic scale. Each bar leads to its traces; one tab stop for all of them. */
export function DurationBars({ durations: { bars }, query }: DurationBarsProps) {
  const box = useRef<HTMLDivElement>(null);
  if (bars.length === 0) return <Notice>No requests in this time range.</Notice>;
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const first = bars.findIndex(({ count }) => count > 0);
  return (
    <div class="durations">
      <div
        class="duration-bars"
        ref={box}
        role="group"
        aria-label="Requests by duration"
        onKeyDown={(event) => {
          moveFocus(box.current, event);
        }}
      >
        {bars.map((bar, index) => {
          const { from, to, count } = bar;
          const label = `${formatDuration(from)} to ${formatDuration(to)}: ${plural(count, 'request')}`;
          if (count === 0) return <span key={to} />;
          return (
            <a
              key={to}
              href={addressOf(['traces'], { ...query, ...barQuery(bar) })}
              aria-label={`${label}, open their traces`}
              title={label}
              tabIndex={index === first ? 0 : -1}
            >
              {/* A single one is still to be seen. */}
              <i style={{ height: `${Math.max(3, (count / most) * 100)}%` }} />
            </a>
          );
        })}
      </div>
      <div class="duration-ticks" aria-hidden="true">
        {ticksOf(bars).map(({ ms, at }) => (
          <span key={ms} style={{ left: `${at * 100}%` }}>
            {formatDuration(ms)}
          </span>
        ))}
      </div>
    </div>
  );
}
