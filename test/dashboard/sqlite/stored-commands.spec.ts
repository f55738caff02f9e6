import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { type ProcessName } from '../../../lib/dashboard/profiling/process-commands.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { processCpuMs } from '../../support/cpu-time.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { resourceOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

const WORKER = resourceOf('worker', { instance: 'w', attributes: '{"process.pid":7}' });
const NAME: ProcessName = { service: 'worker', instance: 'w' };
const REPORT = { exporters: [], profiling: {} };
const NEVER = () => false;

const commandOf = (id: string) => ({ id, kind: 'test', details: '{}', askedBy: 'someone' });

/** Stores of two processes on one file, of which one is the worker. */
function openBoth(file = join(newFolder(), 'telemetry.db')) {
  const [page, worker] = [openTestStore({ file }), openTestStore({ file })];
  worker.reportHealth(WORKER, REPORT, Date.now() - 1_000);
  worker.maintain();
  return { page, worker, file };
}

/** Notes what a process is asked. */
function listen(store: TelemetryStore) {
  const taken: string[] = [];
  const stopped: [string, string][] = [];
  const end = store.commands.listen(WORKER, {
    take: ({ id }) => taken.push(id),
    stop: (id, by) => stopped.push([id, by]),
  });
  return { taken, stopped, end };
}

describe('commands between the processes of one store', () => {
  it('reach the process that is meant, once it looks, and bring its answer and result back', async () => {
    const { page, worker } = openBoth();
    const [heard, here] = [listen(worker), listen(page)];
    expect(await page.commands.ask(NAME, commandOf('one'), NEVER)).toBe('asked');
    worker.maintain();
    expect(heard.taken).toEqual(['one']);
    expect(await worker.commands.take('one')).toBe(true);
    expect(await worker.commands.take('one')).toBe(false);
    await worker.commands.answer('one', { goes: 'well' });
    expect(page.commands.find('one')).toMatchObject({
      state: 'running',
      answer: '{"goes":"well"}',
      ended: false,
    });
    expect(await page.commands.stop('one', 'another')).toBe(true);
    worker.maintain();
    expect(heard.stopped).toEqual([['one', 'another']]);
    const result = Uint8Array.of(1, 2, 3);
    await worker.commands.answer('one', { done: 1 }, { state: 'done', result });
    expect(page.commands.list(NAME)).toMatchObject([
      { id: 'one', state: 'done', answer: '{"done":1}', ...NAME },
    ]);
    expect([...page.commands.result('one')!]).toEqual([1, 2, 3]);
    expect(await worker.commands.answer('one', {}, { state: 'failed' })).toBe(false);
    worker.maintain();
    expect(heard.taken).toEqual(['one']);
    // The other process has the listener of the same resource, and is another one: it knew the number from the file.
    expect(here.taken).toEqual([]);
  });

  it('are not told when they are older than ten seconds, or from the future, and go', async () => {
    const { page, worker } = openBoth();
    const { taken } = listen(worker);
    for (const [id, shift] of [
      ['old', -11_000],
      ['future', 60_000],
    ] as const) {
      await page.commands.ask(NAME, commandOf(id), NEVER);
      page.read((database) =>
        database.run('UPDATE commands SET asked_at = asked_at + ? WHERE id = ?', shift, id),
      );
      worker.maintain();
      await eventually(() => page.commands.find(id) === undefined);
    }
    expect(taken).toEqual([]);
  });

  it('are one at a time for whom the asker says so, also when two ask at once', async () => {
    const { page, worker } = openBoth();
    const isOpen = ({ state }: { state: string }) => state === 'asked';
    const answers = await Promise.all([
      page.commands.ask(NAME, commandOf('one'), isOpen),
      worker.commands.ask(NAME, commandOf('two'), isOpen),
    ]);
    expect(answers.filter((answer) => answer === 'asked')).toHaveLength(1);
    const other = answers.find((answer) => answer !== 'asked');
    expect(other).toMatchObject({ state: 'asked', askedBy: 'someone' });
    expect(page.commands.list(NAME)).toHaveLength(1);
  });

  it('are withdrawn or taken, never both', async () => {
    const { page, worker } = openBoth();
    await page.commands.ask(NAME, commandOf('one'), NEVER);
    const [withdrawn, taken] = await Promise.all([
      page.commands.withdraw('one', ['asked']),
      worker.commands.take('one'),
    ]);
    expect(withdrawn).not.toBe(taken);
  });

  it('are for nobody where no process of the name has said how it does', async () => {
    const { page } = openBoth();
    for (const name of [
      { service: 'worker', instance: '' },
      { service: "'; --", instance: 'w' },
    ]) {
      expect(await page.commands.ask(name, commandOf('x'), NEVER)).toBeUndefined();
      expect([page.commands.process(name), page.commands.list(name)]).toEqual([undefined, []]);
    }
  });

  it('know whether the process has ended', async () => {
    const { page, worker } = openBoth();
    expect(page.commands.process(NAME)).toMatchObject({ pid: 7, ended: false, writes: true, profiling: {} });
    await page.commands.ask(NAME, commandOf('one'), NEVER);
    await worker.commands.take('one');
    await worker.close();
    expect(page.commands.process(NAME)).toMatchObject({ ended: true });
    expect(page.commands.find('one')).toMatchObject({ state: 'running', ended: true });
    expect(await worker.commands.take('one')).toBe(false);
  });

  it('keep four results of a process, a share of the file of all, and none for more than an hour', async () => {
    const { page, worker, file } = openBoth();
    for (let index = 0; index < 6; index += 1) {
      await page.commands.ask(NAME, commandOf(`c${index}`), NEVER);
      await worker.commands.take(`c${index}`);
      await worker.commands.answer(`c${index}`, {}, { state: 'done', result: new Uint8Array(10) });
      page.read((database) => database.run('UPDATE commands SET asked_at = asked_at - 1000'));
    }
    expect(page.commands.list(NAME).map(({ id }) => id)).toEqual(['c5', 'c4', 'c3', 'c2']);
    expect(page.commands.maxResultBytes).toBe(4 * 1_024 * 1_024);
    page.read((database) => database.run('UPDATE commands SET asked_at = asked_at - 3600000'));
    // One that was just opened looks at ages first.
    openTestStore({ file }).maintain();
    await eventually(() => !page.commands.hasResults);

    const small = openTestStore({ maxBytes: 8 * 1_024 * 1_024 });
    small.reportHealth(WORKER, REPORT, Date.now());
    small.maintain();
    expect(small.commands.maxResultBytes).toBe(256 * 1_024);
    for (let index = 0; index < 6; index += 1) {
      await small.commands.ask(NAME, commandOf(`c${index}`), NEVER);
      await small.commands.take(`c${index}`);
      small.read((database) =>
        database.run('UPDATE commands SET result = zeroblob(300000) WHERE id = ?', `c${index}`),
      );
    }
    const { bytes } = small.read((database) =>
      database.one<{ bytes: number }>('SELECT sum(length(result)) AS bytes FROM commands'),
    );
    expect(bytes).toBeLessThanOrEqual(1_024 * 1_024 + 300_000);
  });

  it('go with their service, and with everything; the process listens on', async () => {
    const { page, worker } = openBoth();
    const { taken } = listen(worker);
    await page.commands.ask(NAME, commandOf('one'), NEVER);
    page.read((database) => database.run('UPDATE services SET last_seen = 1'));
    expect(await page.clear('worker')).toBeUndefined();
    expect(page.commands.list(NAME)).toEqual([]);
    expect(await page.clear()).toBeUndefined();
    worker.maintain();
    worker.maintain();
    expect(await page.commands.ask(NAME, commandOf('two'), NEVER)).toBe('asked');
    worker.maintain();
    expect(taken).toContain('two');
  });

  it('wait while others write, and are not made when that takes too long', async () => {
    const { page, worker, file } = openBoth();
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const asked = page.commands.ask(NAME, commandOf('one'), NEVER);
    await new Promise((resolve) => setTimeout(resolve, 100));
    other.exec('COMMIT');
    expect(await asked).toBe('asked');
    other.exec('BEGIN IMMEDIATE');
    expect(await worker.commands.take('one')).toBe(false);
    other.exec('ROLLBACK');
    other.close();
    expect(await worker.commands.take('one')).toBe(true);
  });

  it('work in a file of an earlier version, which gets their table when it is opened', async () => {
    const { page, worker, file } = openBoth();
    await Promise.all([page.close(), worker.close()]);
    const earlier = new DatabaseSync(file);
    earlier.exec('DROP TABLE commands');
    earlier.close();
    const again = openBoth(file);
    expect(await again.page.commands.ask(NAME, commandOf('one'), NEVER)).toBe('asked');
  });

  it('cost a store next to nothing while there are none', async () => {
    const { worker } = openBoth();
    listen(worker);
    for (let index = 0; index < 500; index += 1) worker.addSpan(spanOf({ resource: WORKER }));
    await worker.flush();
    const look = () => {
      worker.read((database) => {
        worker.commands.poll(database, Date.now());
      });
    };
    for (let warm = 0; warm < 200; warm += 1) look();
    const before = processCpuMs();
    for (let count = 0; count < 2_000; count += 1) look();
    // About 10 us; a look at all rows, or a statement compiled anew, takes more than 100.
    expect((processCpuMs() - before) / 2_000).toBeLessThan(0.1);
  });
});
