import { SpanClock } from '../../lib/engine/span-clock.js';
import { eventually } from '../support/eventually.js';

describe('the clock of a trace', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const readNow = (): number => {
    const clock = SpanClock.current();
    const [seconds, nanos] = clock.toHrTime(clock.now());
    return seconds * 1_000 + nanos / 1e6;
  };

  it('follows the wall clock when that is set, forwards and back, while the process runs', async () => {
    const wallClock = Date.now.bind(Date);
    for (const step of [3_600_000, -3_600_000]) {
      jest.spyOn(Date, 'now').mockImplementation(() => wallClock() + step);
      await eventually(() => Math.abs(readNow() - (wallClock() + step)) < 5);
      jest.restoreAllMocks();
      await eventually(() => Math.abs(readNow() - wallClock()) < 5);
    }
  });

  it('stays with a trace that has begun', async () => {
    const clock = SpanClock.current();
    const before = clock.toHrTime(clock.now());
    const wallClock = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => wallClock() - 3_600_000);
    await eventually(() => SpanClock.current() !== clock);
    const after = clock.toHrTime(clock.now());
    expect(after[0] * 1e3 + after[1] / 1e6).toBeGreaterThanOrEqual(before[0] * 1e3 + before[1] / 1e6);
    expect(after[0] - before[0]).toBeLessThan(5);
  });
});
