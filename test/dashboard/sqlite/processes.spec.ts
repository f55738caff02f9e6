import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { findServices } from '../../../lib/dashboard/sqlite/queries/overview.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { spanOf } from './sample-rows.js';
import { buildWriter, startWriter, type WriterProcess } from './writer-process.js';

const writers: WriterProcess[] = [];

afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.kill();
  await cleanUp();
});

async function start(program: string, file: string, service: string): Promise<WriterProcess> {
  const writer = await startWriter(program, file, service);
  writers.push(writer);
  return writer;
}

const integrityOf = (file: string): unknown => {
  const database = new DatabaseSync(file);
  try {
    return database.prepare('PRAGMA integrity_check').get();
  } finally {
    database.close();
  }
};

describe('several processes on one file', () => {
  it('are one system: nothing that any of them wrote is missing', async () => {
    const folder = newFolder();
    const file = join(folder, 'telemetry.db');
    const program = buildWriter(folder);
    const all = await Promise.all(
      ['gateway', 'orchestrator', 'worker'].map((service) => start(program, file, service)),
    );
    await eventually(() => all.every((writer) => writer.written() >= 600));
    const here = openTestStore({ file });
    const said = all.map((writer) => writer.written()).reduce((a, b) => a + b);
    const { spans, logs } = here.read(readStore);
    expect([spans >= said, logs >= said]).toEqual([true, true]);
    expect(all.map((writer) => writer.dropped())).toEqual([0, 0, 0]);

    await Promise.all(all.map((writer) => writer.kill()));
    here.addSpan(spanOf());
    await here.flush();
    const range = { from: Date.now() - 60_000, to: Date.now() + 1 };
    expect(
      here
        .read((database) => findServices(database, range))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['gateway', 'orchestrator', 'orders', 'worker']);
  });

  it('leave a sound file with all they had committed when they are killed while they write', async () => {
    const folder = newFolder();
    const file = join(folder, 'telemetry.db');
    const program = buildWriter(folder);
    const [first, second] = await Promise.all([start(program, file, 'a'), start(program, file, 'b')]);
    await eventually(() => first.written() >= 400 && second.written() >= 400);
    const said = first.written() + second.written();
    await Promise.all([first.kill(), second.kill()]);

    expect(integrityOf(file)).toEqual({ integrity_check: 'ok' });
    const reopened = openTestStore({ file });
    const { spans, logs } = reopened.read(readStore);
    expect([spans >= said, logs >= said, spans === logs]).toEqual([true, true, true]);
    const rows = reopened.read((database) => ({
      spans: database.one<{ count: number }>('SELECT count(*) AS count FROM spans').count,
      // Node before 22.16 has no index of words.
      words: database.hasFullText
        ? database.one<{ count: number }>('SELECT sum(live) AS count FROM word_blocks').count
        : logs,
    }));
    expect(rows).toEqual({ spans, words: logs });
  });
});

describe('a restart', () => {
  it('finds what was there before', async () => {
    const file = join(newFolder(), '.telemetry', 'telemetry.db');
    const before = openTestStore({ file });
    before.addSpan(spanOf());
    await before.close();
    expect(openTestStore({ file }).read(readStore).spans).toBe(1);
  });
});
