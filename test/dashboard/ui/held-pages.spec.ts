import {
  addNewer,
  addOlder,
  freezePages,
  type Held,
  holdFirst,
  holdNothing,
  type Order,
} from '../../../lib/dashboard/ui/parts/held-pages.js';

interface Line {
  readonly id: number;
  readonly text?: string;
}

const ORDER: Order<Line> = { idOf: ({ id }) => id, ageOf: ({ id }) => id, most: 6 };
const lines = (...ids: number[]): Line[] => ids.map((id) => ({ id }));
const idsOf = ({ items }: Held<Line>): number[] => items.map(({ id }) => id);
const held = holdFirst(holdNothing<Line>('all'), 'all', { items: lines(5, 4, 3), next: '3' }, ORDER);

describe('a list that grows at both ends', () => {
  it('puts what is new at the top, newest first, and counts it', () => {
    const grown = addNewer(held, lines(6, 7), ORDER);
    expect(idsOf(grown)).toEqual([7, 6, 5, 4, 3]);
    expect(grown.grown).toBe(2);
  });

  it('orders what comes late by its time, and lines of one time by their id', () => {
    interface Timed extends Line {
      readonly time: number;
    }
    const byTime: Order<Timed> = { idOf: ({ id }) => id, ageOf: ({ time }) => time, most: 6 };
    const first = { items: [{ id: 1, time: 20 }], next: undefined };
    const logs = holdFirst(holdNothing<Timed>('all'), 'all', first, byTime);
    const late = [
      { id: 2, time: 10 },
      { id: 3, time: 20 },
    ];
    expect(addNewer(logs, late, byTime).items.map(({ id }) => id)).toEqual([3, 1, 2]);
  });

  it('takes the newer word about what it holds', () => {
    const told = addNewer(held, [{ id: 4, text: 'grown' }], ORDER);
    expect(told.items[1]).toEqual({ id: 4, text: 'grown' });
    expect(told.grown).toBe(0);
  });

  it('keeps so many and no more', () => {
    expect(idsOf(addNewer(held, lines(6, 7, 8, 9), ORDER))).toEqual([9, 8, 7, 6, 5, 4]);
  });

  it('adds the next page below, without what it has already', () => {
    const older = addOlder(held, { items: lines(3, 2, 1), next: undefined }, ORDER);
    expect(idsOf(older)).toEqual([5, 4, 3, 2, 1]);
    expect(older.next).toBeUndefined();
  });

  it('is in the order of time where pages are not: lines found by words come as they were written', () => {
    const byTime = { ...ORDER, ageOf: ({ text }: Line) => Number(text) };
    const page = (...times: number[]) => times.map((time) => ({ id: time, text: String(time) }));
    const first = holdFirst(holdNothing<Line>('all'), 'all', { items: page(3, 5, 4), next: '4' }, byTime);
    expect(idsOf(first)).toEqual([5, 4, 3]);
    expect(idsOf(addOlder(first, { items: page(1, 2), next: undefined }, byTime))).toEqual([5, 4, 3, 2, 1]);
  });

  it('stands still: rows stay in place, with the latest of each, and new ones are counted', () => {
    const later = addOlder(
      addNewer(held, [...lines(8, 7), { id: 4, text: 'grown' }], ORDER),
      { items: lines(2), next: undefined },
      ORDER,
    );
    const still = freezePages(later, held, ORDER);
    expect(still.items.map(({ id }) => id)).toEqual([5, 4, 3, 2]);
    expect(still.items[1]).toEqual({ id: 4, text: 'grown' });
    expect(still.fresh).toBe(2);
  });

  it('stands still, too, where a row has become older in the meantime', () => {
    const byTime = { ...ORDER, ageOf: ({ id, text }: Line) => Number(text ?? id) };
    const moved = addNewer(held, [{ id: 5, text: '3.5' }], byTime);
    expect(idsOf(moved)).toEqual([4, 5, 3]);
    expect(freezePages(moved, held, byTime).items.map(({ id }) => id)).toEqual([5, 4, 3]);
  });

  it('starts again when something else is requested', () => {
    const other = holdFirst(
      addNewer(held, lines(6), ORDER),
      'errors',
      { items: lines(2), next: undefined },
      ORDER,
    );
    expect(other).toEqual({ key: 'errors', items: lines(2), next: undefined, grown: 0 });
  });

  it('leaves no hole where more came in than a page holds', () => {
    const meets = holdFirst(held, 'all', { items: lines(7, 6, 5), next: '5' }, ORDER);
    expect(idsOf(meets)).toEqual([7, 6, 5, 4, 3]);
    const misses = holdFirst(held, 'all', { items: lines(30, 29, 28), next: '28' }, ORDER);
    expect(idsOf(misses)).toEqual([30, 29, 28]);
    expect(misses.next).toBe('28');
  });
});
