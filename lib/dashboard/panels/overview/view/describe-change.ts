import { formatDuration, formatShare } from '../../../ui/format.js';
import type { RouteChange } from '../route-changes.js';

/** A change as the table shows it. */
export interface DescribedChange {
  /** `×16 in the last 2 min`. */
  readonly text: string;
  /** The figures behind it, and what they were compared with. */
  readonly title: string;
  readonly tone: '' | 'bad' | 'warn' | 'good';
  /** By which rows are sorted: what fails more first, then what is slower by how much, last what is faster. */
  readonly weight: number;
}

/** Lengths of the times that were compared, in milliseconds. */
export interface ComparedTimes {
  readonly recentMs: number;
  readonly beforeMs: number;
}

const FAILING = 1e9;

/** `16`, `1.8`, `0.25`: a factor that is no unit. */
const factorOf = ({ before, now }: RouteChange): number => now / Math.max(before, 0.001);

function digits(factor: number): string {
  if (factor >= 10) return factor.toFixed(0);
  return String(Number(factor.toPrecision(2)));
}

/** @param change null: too few requests to compare; undefined: none, or not loaded yet */
export function describeChange(
  change: RouteChange | null | undefined,
  { recentMs, beforeMs }: ComparedTimes,
): DescribedChange {
  if (change === undefined)
    return { text: 'as before', title: 'What differs may be chance', tone: '', weight: 1 };
  if (change === null)
    return {
      text: '–',
      title: 'Fewer than 30 requests now or before: nothing can be said',
      tone: '',
      weight: 1,
    };
  const { kind, measure, before, now, compared } = change;
  const format = kind === 'failing' ? formatShare : formatDuration;
  const when =
    compared === 'recent'
      ? `in the last ${formatDuration(recentMs)}`
      : `against the ${formatDuration(beforeMs)} before`;
  const title = `${measure === 'errors' ? 'Share of errors' : measure}: ${format(now)} ${when}, ${format(before)} before`;
  if (kind === 'failing')
    return { text: `${formatShare(now)} errors ${when}`, title, tone: 'bad', weight: FAILING + now - before };
  const factor = factorOf(change);
  // The p95 is what the line beside it shows.
  const text = `${measure === 'p95' ? '' : `${measure} `}×${digits(factor)} ${when}`;
  return { text, title, tone: kind === 'slower' ? 'warn' : 'good', weight: factor };
}
