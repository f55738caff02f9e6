import { extentOf } from '../../../ui/charts/axes.js';
import { formatDateTime, plural } from '../../../ui/format.js';

const HEIGHT = 20;
/** Of fewer each would be a block; they stand at the right, where now is. */
const MIN_BARS = 15;

/** Which time the bars stand for together. */
export function extentOfBars(times: readonly number[]): [from: number, to: number] {
  const [from, to] = extentOf(times);
  const missing = Math.max(0, MIN_BARS - times.length);
  return [from - (missing * (to - from)) / Math.max(1, times.length), to];
}

interface CountBarsProps {
  readonly times: readonly number[];
  readonly counts: readonly number[];
  /** What is counted: `error`. */
  readonly word: string;
}

/** How many there were in each stretch of time, as small bars. */
export function CountBars({ times, counts, word }: CountBarsProps) {
  const width = Math.max(MIN_BARS, counts.length);
  const most = Math.max(1, ...counts);
  const total = counts.reduce((a, b) => a + b, 0);
  const peak = counts.indexOf(most);
  const when = times[peak];
  const label =
    total === 0 || when === undefined
      ? `No ${word}s`
      : `${plural(total, word)}, at most ${most} at a time, from ${formatDateTime(when).slice(0, 19)} on`;
  return (
    <svg
      class="count-bars"
      viewBox={`0 0 ${width} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      {counts.map((count, index) => {
        // A single one is still to be seen.
        const height = count === 0 ? 0.5 : Math.max(2, (count / most) * HEIGHT);
        return (
          <rect
            key={times[index]}
            class={count === 0 ? 'none' : ''}
            x={width - counts.length + index + 0.1}
            y={HEIGHT - height}
            width={0.8}
            height={height}
          />
        );
      })}
    </svg>
  );
}
