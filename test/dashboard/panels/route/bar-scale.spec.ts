import { barQuery, ticksOf } from '../../../../lib/dashboard/panels/route/view/bar-scale.js';
import { durationStep, joinBars } from '../../../../lib/dashboard/reader/duration-bars.js';

const barsOf = (durations: readonly number[], max: number) =>
  joinBars(
    durations.map((ms) => [durationStep(ms), 1]),
    max,
  );

describe('the bars of durations', () => {
  it('lead to whole microseconds, none of which two bars have', () => {
    const bars = barsOf([1, 3, 10, 700], 12);
    for (const [index, bar] of bars.entries()) {
      const { min, max } = barQuery(bar);
      expect(min).toMatch(/^\d+(\.\d{1,3})?ms$/);
      const next = bars[index + 1];
      if (next) expect(Number.parseFloat(barQuery(next).min)).toBeCloseTo(Number.parseFloat(max) + 0.001);
    }
    expect(barQuery({ from: 0, to: 0.001 })).toEqual({ min: '0ms', max: '0.001ms' });
    expect(barQuery({ from: 1.024, to: 2.048 })).toEqual({ min: '1.025ms', max: '2.048ms' });
  });

  it('have round durations below them: decades, or finer ones where these are few', () => {
    expect(ticksOf(barsOf([0.001, 100_000], 60)).map(({ ms }) => ms)).toEqual([
      0.001, 0.1, 10, 1_000, 100_000,
    ]);
    expect(ticksOf(barsOf([3, 40], 60)).map(({ ms }) => ms)).toEqual([5, 10, 20]);
    expect(ticksOf([])).toEqual([]);
    for (const { at } of ticksOf(barsOf([2, 5_000], 60))) {
      expect(at).toBeGreaterThanOrEqual(0);
      expect(at).toBeLessThanOrEqual(1);
    }
  });

  it('begin at zero for what took no time', () => {
    const bars = barsOf([0], 10);
    expect(bars).toEqual([{ from: 0, to: 0.001, count: 1 }]);
    expect(ticksOf(bars).map(({ ms }) => ms)).toEqual([0.001]);
  });
});
