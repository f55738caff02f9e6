import type { Page } from '../../reader/answers/answer-parts.interface.js';

/** The part of a list that is loaded: from the newest item down to where the next page begins. */
export interface Held<T> {
  /** Names what the list is of. */
  readonly key: string;
  /** Newest first. */
  readonly items: readonly T[];
  /** Where the next page begins; undefined at the end. */
  readonly next: string | undefined;
  /** Items that were added at the top since the first page. */
  readonly grown: number;
  /** Items there are in all; undefined where that is not known. */
  readonly total?: number | undefined;
}

export interface Order<T> {
  readonly idOf: (item: T) => string | number;
  /** Greater is newer. */
  readonly ageOf: (item: T) => number;
  /** Items kept in the tab. */
  readonly most: number;
}

export const holdNothing = <T>(key: string): Held<T> => ({ key, items: [], next: undefined, grown: 0 });

/** Pages are not always in the order of time: lines found by words come as they were written, and traces grow. */
function newestFirst<T>(items: readonly T[], { idOf, ageOf }: Order<T>): readonly T[] {
  return [...items].sort((a, b) => {
    const [idOfA, idOfB] = [idOf(a), idOf(b)];
    return (
      ageOf(b) - ageOf(a) || (typeof idOfA === 'number' && typeof idOfB === 'number' ? idOfB - idOfA : 0)
    );
  });
}

/** Adds new items, and replaces those that are there: a trace grows for a while. */
export function addNewer<T>(held: Held<T>, newer: readonly T[], order: Order<T>): Held<T> {
  const { idOf, most } = order;
  const latest = new Map(newer.map((item) => [idOf(item), item]));
  const known = new Set(held.items.map(idOf));
  const added = newer.filter((item) => !known.has(idOf(item)));
  const rest = held.items.map((item) => latest.get(idOf(item)) ?? item);
  const items = newestFirst([...added, ...rest], order).slice(0, most);
  const total = held.total === undefined ? undefined : held.total + added.length;
  return { ...held, items, grown: held.grown + added.length, total };
}

/** Takes a first page: adds it where it overlaps with what is held, else begins anew. */
export function holdFirst<T>(held: Held<T>, key: string, page: Page<T>, order: Order<T>): Held<T> {
  const known = new Set(held.items.map(order.idOf));
  const overlaps = page.next === undefined || page.items.some((item) => known.has(order.idOf(item)));
  if (held.key !== key || held.items.length === 0 || !overlaps)
    return {
      ...holdNothing<T>(key),
      items: newestFirst(page.items, order),
      next: page.next,
      total: page.total,
    };
  return { ...addNewer(held, page.items, order), total: page.total };
}

/** Adds the page that begins where what is held ends. */
export function addOlder<T>(held: Held<T>, page: Page<T>, order: Order<T>): Held<T> {
  const known = new Set(held.items.map(order.idOf));
  const older = page.items.filter((item) => !known.has(order.idOf(item)));
  return { ...held, items: newestFirst([...held.items, ...older], order), next: page.next };
}

/**
 * The list while it is frozen: every row of `frozen` in its place, with what is known of it now, and older ones below.
 *
 * @returns its items, and how many newer ones are left out
 */
export function freezePages<T>(
  held: Held<T>,
  frozen: Held<T>,
  { idOf, ageOf }: Order<T>,
): { readonly items: readonly T[]; readonly fresh: number; readonly grown: number } {
  const last = frozen.items.at(-1);
  const latest = new Map(held.items.map((item) => [idOf(item), item]));
  const known = new Set(frozen.items.map(idOf));
  const others = held.items.filter((item) => !known.has(idOf(item)));
  const older = others.filter((item) => last !== undefined && ageOf(item) < ageOf(last));
  const shown = frozen.items.map((item) => latest.get(idOf(item)) ?? item);
  return { items: [...shown, ...older], fresh: others.length - older.length, grown: frozen.grown };
}
