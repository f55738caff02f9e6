import { countLogVolume } from '../../../lib/dashboard/sqlite/queries/log-volume.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { logOf } from './sample-rows.js';

/** A minute that is over; lines of long ago may be evicted. */
const begin = Math.floor(Date.now() / 60_000 - 5) * 60_000;

afterEach(cleanUp);

describe('the volume of logs', () => {
  it('counts each line once when there are more than one statement counts, also of one millisecond', async () => {
    const store = openTestStore();
    for (let index = 0; index < 12_000; index += 1) {
      store.addLog(logOf({ time: begin + (index < 6_000 ? 0 : index), level: index % 2 === 0 ? 30 : 50 }));
      // Its queue is bounded.
      if (index % 2_000 === 1_999) await store.flush();
    }
    await store.flush();
    const range = { from: begin, to: begin + 20_000, buckets: 20 };
    const { times, counts } = await store.ask((database) => countLogVolume(database, range));
    expect(times).toHaveLength(20);
    expect(counts.info?.[0]).toBe(3_000);
    expect(counts.info?.reduce((a, b) => a + b)).toBe(6_000);
    expect(counts.error?.reduce((a, b) => a + b)).toBe(6_000);
  });

  it('has bars that keep their place while the range moves, with lines of the range only', async () => {
    const store = openTestStore();
    for (const time of [begin, begin + 5_000]) store.addLog(logOf({ time }));
    await store.flush();
    const ask = (from: number) =>
      store.ask((database) => countLogVolume(database, { from, to: from + 40_000, buckets: 4 }));
    expect(await ask(begin)).toEqual({
      times: [0, 10_000, 20_000, 30_000].map((ms) => begin + ms),
      counts: { info: [2, 0, 0, 0] },
    });
    expect(await ask(begin + 2_000)).toEqual({
      times: [0, 10_000, 20_000, 30_000, 40_000].map((ms) => begin + ms),
      counts: { info: [1, 0, 0, 0, 0] },
    });
  });
});
