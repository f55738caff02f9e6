import type { Page } from '../../reader/answers.interface.js';

/** What a list has of all there is: from the newest down to where the next page begins. */
export interface Held<T> {
  /** What was asked for. */
  readonly key: string;
  /** Newest first. */
  readonly items: readonly T[];
  /** Where the next page begins; undefined at the end. */
  readonly next: string | undefined;
  /** Items that came in at the top since the first page. */
  readonly grown: number;
}

export interface Order<T> {
  readonly idOf: (item: T) => string | number;
  /** Greater is newer. */
  readonly ageOf: (item: T) => number;
  /** Items kept in the tab. */
  readonly most: number;
}

export const holdNothing = <T>(key: string): Held<T> => ({ key, items: [], next: undefined, grown: 0 });

/** Adds what is new at the top; of what is held already the newer word counts, for a trace goes on growing for a while. */
export function addNewer<T>(held: Held<T>, newer: readonly T[], { idOf, ageOf, most }: Order<T>): Held<T> {
  const words = new Map(newer.map((item) => [idOf(item), item]));
  const known = new Set(held.items.map(idOf));
  const added = newer.filter((item) => !known.has(idOf(item)));
  const rest = held.items.map((item) => words.get(idOf(item)) ?? item);
  const newestFirst = (a: T, b: T): number => {
    const [idOfA, idOfB] = [idOf(a), idOf(b)];
    return (
      ageOf(b) - ageOf(a) || (typeof idOfA === 'number' && typeof idOfB === 'number' ? idOfB - idOfA : 0)
    );
  };
  const items = [...added, ...rest].sort(newestFirst).slice(0, most);
  return { ...held, items, grown: held.grown + added.length };
}

/** Takes the first page of what is asked for now: added where it meets what is held, in its place where it does not. */
export function holdFirst<T>(held: Held<T>, key: string, page: Page<T>, order: Order<T>): Held<T> {
  const known = new Set(held.items.map(order.idOf));
  const meets = page.next === undefined || page.items.some((item) => known.has(order.idOf(item)));
  if (held.key !== key || held.items.length === 0 || !meets) {
    return { ...holdNothing<T>(key), items: page.items, next: page.next };
  }
  return addNewer(held, page.items, order);
}

/** Adds the page that begins where what is held ends. */
export function addOlder<T>(held: Held<T>, page: Page<T>, { idOf }: Order<T>): Held<T> {
  const known = new Set(held.items.map(idOf));
  const items = [...held.items, ...page.items.filter((item) => !known.has(idOf(item)))];
  return { ...held, items, next: page.next };
}
