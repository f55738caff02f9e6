import type { DurationsAnswer } from '../../../reader/answers/traffic.interface.js';

type Bar = DurationsAnswer['bars'][number];

/** The filter of traces for a bar: in whole microseconds, as durations are stored, without those of the bar before. */
export function barQuery({ from, to }: Pick<Bar, 'from' | 'to'>): {
  readonly min: string;
  readonly max: string;
} {
  const first = from === 0 ? 0 : (Math.floor(from * 1_000 + 1e-6) + 1) / 1_000;
  const last = Math.max(first, Math.floor(to * 1_000 + 1e-6) / 1_000);
  return { min: `${first}ms`, max: `${last}ms` };
}

/** A mark below the bars. */
interface Tick {
  readonly ms: number;
  /** 0 to 1, from the left. */
  readonly at: number;
}

const MAX_TICKS = 6;
/** A microsecond. */
const SHORTEST_MS = 0.001;

/** Round durations within the bars, from one decade to the next; of a narrow range the steps of 1, 2 and 5 in between. */
export function ticksOf(bars: readonly Bar[]): readonly Tick[] {
  const [first] = bars;
  const last = bars.at(-1);
  if (first === undefined || last === undefined) return [];
  // The lowest bar begins at zero, where a logarithmic scale has no place.
  const low = first.from > 0 ? first.from : first.to / 2;
  const span = Math.log(last.to / low);
  const within = (steps: readonly number[]): Tick[] => {
    const ticks: Tick[] = [];
    for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(last.to); decade += 1)
      for (const step of steps) {
        const ms = Number(`${step}e${decade}`);
        if (ms >= Math.max(low, SHORTEST_MS) && ms <= last.to)
          ticks.push({ ms, at: Math.log(ms / low) / span });
      }
    return ticks;
  };
  const fine = within([1, 2, 5]);
  if (fine.length <= MAX_TICKS) return fine;
  const decades = within([1]);
  return decades.length <= MAX_TICKS ? decades : decades.filter((_, index) => index % 2 === 0);
}
