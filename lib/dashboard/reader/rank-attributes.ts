import { getOrAdd } from '../get-or-add.js';
import { type Steps, type TimeSlice } from '../steps.js';
import { type JsonAttributes, type JsonValue } from './answers/answer-parts.interface.js';
import { type SelectionAnswer } from './answers/traces.interface.js';

const MAX_RANKED = 30;
/** Longer values are texts, not categories. */
const MAX_VALUE = 200;

/** Which traces of each side have an attribute with a value: by their places in the sample. */
interface Tally {
  readonly key: string;
  readonly value: string;
  readonly selected: Set<number>;
  readonly others: Set<number>;
}

type Side = 'selected' | 'others';

/** Compares what the spans of selected traces have with what those of others have. */
export class AttributeTallies {
  private readonly tallies = new Map<string, Tally>();

  /**
   * Counts each attribute with its value once for a trace.
   *
   * @param trace its place among those of its side
   */
  add(
    side: Side,
    trace: number,
    spans: Iterable<{ readonly name: string; readonly attributes: JsonAttributes }>,
  ): void {
    for (const { name, attributes } of spans) {
      this.tallyOf('span.name', name)[side].add(trace);
      for (const [key, value] of Object.entries(attributes)) {
        const text = textOf(value);
        if (text !== undefined) this.tallyOf(key, text)[side].add(trace);
      }
    }
  }

  /** What the selected traces have more often, most telling first. @param selected how many there are, and of `others` */
  *rank(selected: number, others: number, turn: TimeSlice): Steps<SelectionAnswer['attributes']> {
    const ranked = [...this.tallies.values()]
      .filter((tally) => isTelling(tally, selected, others))
      .map((tally) => ({ tally, ...sharesOf(tally, selected, others) }))
      .sort((a, b) => b.selectedShare - b.otherShare - (a.selectedShare - a.otherShare));
    return yield* withoutCompanions(ranked, turn);
  }

  private tallyOf(key: string, value: string): Tally {
    return getOrAdd(this.tallies, `${key}\n${value}`, () => ({
      key,
      value,
      selected: new Set<number>(),
      others: new Set<number>(),
    }));
  }
}

/** A row needs at least this share of the selected traces. */
const MIN_SUPPORT = 0.05;

function sharesOf({ selected, others }: Tally, ofSelected: number, ofOthers: number) {
  return {
    selectedShare: selected.size / ofSelected,
    otherShare: ofOthers === 0 ? 0 : others.size / ofOthers,
  };
}

/** Whether enough of the selected traces have it, and more of them than chance explains: two standard errors. */
function isTelling(tally: Tally, ofSelected: number, ofOthers: number): boolean {
  // What one of many traces has is its own: an id, a time.
  const least = Math.max(ofSelected < 5 ? 1 : 2, ofSelected * MIN_SUPPORT);
  const { selectedShare, otherShare } = sharesOf(tally, ofSelected, ofOthers);
  if (tally.selected.size < least || selectedShare <= otherShare) return false;
  if (ofOthers === 0) return true;
  const share = (tally.selected.size + tally.others.size) / (ofSelected + ofOthers);
  return selectedShare - otherShare > 2 * Math.sqrt(share * (1 - share) * (1 / ofSelected + 1 / ofOthers));
}

interface Ranked {
  readonly tally: Tally;
  readonly selectedShare: number;
  readonly otherShare: number;
}

/** Attributes whose traces differ by at most this share are joined in one row. */
const SAME = 0.95;
const MAX_ALIKE = 10;

/** One row for all attributes that come and go together: the most telling, with the others beside it. */
function* withoutCompanions(
  ranked: readonly Ranked[],
  turn: TimeSlice,
): Steps<SelectionAnswer['attributes']> {
  const rows: (Ranked & { readonly alike: { readonly key: string; readonly value: string }[] })[] = [];
  for (const one of ranked) {
    const row = rows.find(({ tally }) => similarity(tally, one.tally) >= SAME);
    if (row === undefined) {
      if (rows.length < MAX_RANKED) rows.push({ ...one, alike: [] });
    } else if (row.alike.length < MAX_ALIKE) row.alike.push({ key: one.tally.key, value: one.tally.value });
    if (turn.isOver()) yield* turn.pass();
  }
  return rows.map(({ tally: { key, value }, selectedShare, otherShare, alike }) => ({
    key,
    value,
    selectedShare,
    otherShare,
    alike,
  }));
}

/** Traces that have both, as a share of those that have one of them. */
function similarity(a: Tally, b: Tally): number {
  const both = countCommon(a.selected, b.selected) + countCommon(a.others, b.others);
  return both / (a.selected.size + a.others.size + b.selected.size + b.others.size - both);
}

function countCommon(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let count = 0;
  for (const trace of a) if (b.has(trace)) count += 1;
  return count;
}

function textOf(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value.length <= MAX_VALUE ? value : undefined;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
