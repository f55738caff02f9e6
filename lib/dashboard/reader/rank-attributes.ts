import { getOrAdd } from '../get-or-add.js';
import { type Steps, type TimeSlice } from '../steps.js';
import { type JsonAttributes, type JsonValue } from './answers/answer-parts.interface.js';
import { type SelectionAnswer } from './answers/traces.interface.js';

const MAX_RANKED = 30;
/** Longer values are texts, not categories. */
const MAX_VALUE = 200;

type Side = 'selected' | 'others';

/** Traces of one side, by their places in the sample, each with what it stands for. */
class WeighedTraces {
  readonly places = new Set<number>();
  /** How many traces these stand for. */
  total = 0;
  private squares = 0;

  add(place: number, weight: number): void {
    if (this.places.has(place)) return;
    this.places.add(place);
    this.total += weight;
    this.squares += weight ** 2;
  }

  /** Of how many traces of the same weight the shares would be as certain (Kish's effective size of a sample). */
  get effectiveSize(): number {
    return this.squares === 0 ? 0 : this.total ** 2 / this.squares;
  }
}

type Sides = Readonly<Record<Side, WeighedTraces>>;

const newSides = (): Sides => ({ selected: new WeighedTraces(), others: new WeighedTraces() });

/** Which traces of each side have an attribute with a value. */
interface Tally extends Sides {
  readonly key: string;
  readonly value: string;
}

/** Compares what the spans of selected traces have with what those of others have. */
export class AttributeTallies {
  private readonly tallies = new Map<string, Tally>();
  private readonly all = newSides();

  /**
   * Counts each attribute with its value once for a trace.
   *
   * @param trace its place among those of its side
   * @param weight how many traces it stands for, where only a part was recorded
   */
  add(
    side: Side,
    trace: number,
    weight: number,
    spans: Iterable<{ readonly name: string; readonly attributes: JsonAttributes }>,
  ): void {
    this.all[side].add(trace, weight);
    for (const { name, attributes } of spans) {
      this.tallyOf('span.name', name)[side].add(trace, weight);
      for (const [key, value] of Object.entries(attributes)) {
        const text = textOf(value);
        if (text !== undefined) this.tallyOf(key, text)[side].add(trace, weight);
      }
    }
  }

  /** What the selected traces have more often, most telling first. */
  *rank(turn: TimeSlice): Steps<SelectionAnswer['attributes']> {
    const ranked = [...this.tallies.values()]
      .filter((tally) => isTelling(tally, this.all))
      .map((tally) => ({ tally, ...sharesOf(tally, this.all) }))
      .sort((a, b) => b.selectedShare - b.otherShare - (a.selectedShare - a.otherShare));
    return yield* withoutCompanions(ranked, turn);
  }

  private tallyOf(key: string, value: string): Tally {
    return getOrAdd(this.tallies, `${key}\n${value}`, () => ({ key, value, ...newSides() }));
  }
}

/** A row needs at least this share of the selected traces. */
const MIN_SUPPORT = 0.05;

/** Shares of all traces, recorded or not, as far as the weights say. */
function sharesOf({ selected, others }: Tally, all: Sides) {
  return {
    selectedShare: selected.total / all.selected.total,
    otherShare: all.others.total === 0 ? 0 : others.total / all.others.total,
  };
}

/** Whether enough of the selected traces have it, and more of them than chance explains: two standard errors. */
function isTelling(tally: Tally, all: Sides): boolean {
  // What one of many traces has is its own: an id, a time.
  const least = all.selected.places.size < 5 ? 1 : 2;
  const { selectedShare, otherShare } = sharesOf(tally, all);
  if (tally.selected.places.size < least || selectedShare < MIN_SUPPORT || selectedShare <= otherShare)
    return false;
  const [ofSelected, ofOthers] = [all.selected.effectiveSize, all.others.effectiveSize];
  if (ofOthers === 0) return true;
  const share = (selectedShare * ofSelected + otherShare * ofOthers) / (ofSelected + ofOthers);
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
  const sizeOf = ({ selected, others }: Tally): number => selected.places.size + others.places.size;
  return both / (sizeOf(a) + sizeOf(b) - both);
}

function countCommon(a: WeighedTraces, b: WeighedTraces): number {
  let count = 0;
  for (const trace of a.places) if (b.places.has(trace)) count += 1;
  return count;
}

function textOf(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value.length <= MAX_VALUE ? value : undefined;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
