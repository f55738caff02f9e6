import { initRollups } from '../../../lib/dashboard/clickhouse/rollups/init-rollups.js';
import { configOf, FakeClickHouse } from './fake-clickhouse.js';

describe('rollups that are made in a ClickHouse', () => {
  let clickhouse: FakeClickHouse;
  /** How far the clock of this process is ahead. */
  let aheadMs = 0;
  beforeEach(async () => {
    clickhouse = await FakeClickHouse.start();
    aheadMs = 0;
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await clickhouse.stop();
  });

  /** A database with spans, where each table or view of one try takes this time. */
  const takeTime = (...msOfTries: readonly number[]): void => {
    let tries = 0;
    clickhouse.answer = (response, { text }) => {
      if (/^DROP TABLE .*otel_traces_rollups_v1/.test(text)) tries += 1;
      if (text.startsWith('CREATE')) aheadMs += msOfTries[Math.min(tries, msOfTries.length) - 1] ?? 0;
      if (text.includes('AS oldest')) response.end('{"oldest":"1000000000","total":1}\n');
      else response.end();
    };
  };
  const statements = (start: string): readonly string[] =>
    clickhouse.asked.map(({ text }) => text).filter((text) => text.startsWith(start));
  const init = async (): Promise<readonly string[]> => {
    const said: string[] = [];
    await initRollups(configOf(clickhouse.url), { report: (text) => said.push(text) });
    return said;
  };

  it('are made once where ClickHouse is quick', async () => {
    takeTime(0);
    expect(await init()).toEqual(['The rollups are there, and count what is written from now on.']);
    expect(statements('INSERT INTO')).toHaveLength(1);
  });

  it('are made anew with more time where ClickHouse was slow', async () => {
    takeTime(1_000, 100);
    expect(await init()).toEqual(['The rollups are there, and count what is written from now on.']);
    expect(statements('INSERT INTO')).toHaveLength(1);
    expect(statements('DROP TABLE')).toHaveLength(2 * 7);
  });

  it('are removed again, with an error, where the views would begin to count in the past', async () => {
    takeTime(60_000);
    await expect(init()).rejects.toThrow(
      /^ClickHouse at http:\S+ took longer than 48 s to make .* removed again\. Run this command when ClickHouse has less to do\.$/,
    );
    // Nothing says that they can be read, and the last thing that was done is to remove them.
    expect(statements('INSERT INTO')).toEqual([]);
    expect(clickhouse.asked.at(-1)?.text).toMatch(/^DROP /);
  });
});
