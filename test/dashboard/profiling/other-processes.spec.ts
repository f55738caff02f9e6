import { gzipSync } from 'node:zlib';

import { answerCommands } from '../../../lib/dashboard/profiling/answer-commands.js';
import { OtherProcesses } from '../../../lib/dashboard/profiling/other-processes.js';
import { type NewCommand } from '../../../lib/dashboard/profiling/process-commands.interface.js';
import { ProfileBudget, PROFILES_PER_HOUR } from '../../../lib/dashboard/profiling/profile-budget.js';
import { CPU_PROFILE, packProfile, unpackProfile } from '../../../lib/dashboard/profiling/profile-command.js';
import { type ProcessReport } from '../../../lib/dashboard/reader/answers/processes.interface.js';
import { type StoredInstrument } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';
import { resourceOf } from '../sqlite/sample-rows.js';

afterEach(cleanUp);

const WORKER = resourceOf('worker', { instance: 'w', attributes: '{"process.pid":7}' });
const NAME = { service: 'worker', instance: 'w' };

function openPage(report: ProcessReport = { exporters: [], profiling: {} }, seen = Date.now()) {
  const store = openTestStore();
  store.reportHealth(WORKER, report, seen - 1_000, seen);
  store.maintain();
  return { store, others: new OtherProcesses(store.commands, 'the page of a test') };
}

/** Has the process take what it is asked, and say of it what `say` says. */
function answerWith(store: TelemetryStore, say: (id: string, command: NewCommand) => Promise<unknown>): void {
  store.commands.listen(WORKER, {
    take: (command) => {
      void store.commands.take(command.id).then((taken) => taken && say(command.id, command));
    },
    stop: () => undefined,
  });
}

describe('a process that cannot be asked for a profile', () => {
  it('is refused with the reason before it is asked', async () => {
    const reasons: readonly [ProcessReport, number, string][] = [
      [{ exporters: [] }, Date.now(), 'has an earlier version'],
      [{ exporters: [], profiling: { refused: 'it is off there.' } }, Date.now(), 'it is off there.'],
      [{ exporters: [], profiling: {} }, Date.now() - 90_000, 'has not reported for 9'],
    ];
    for (const [report, seen, reason] of reasons) {
      const { store, others } = openPage(report, seen);
      expect(others.refusal(NAME)).toContain(reason);
      await expect(others.start(NAME, 1, 'me')).rejects.toMatchObject({
        status: 409,
        message: expect.stringContaining(reason) as string,
      });
      expect(store.commands.list(NAME)).toEqual([]);
    }
    const { store, others } = openPage();
    expect(others.refusal(NAME)).toBeUndefined();
    expect(others.refusal({ service: 'unknown', instance: '' })).toContain('cannot be asked');
    const instrument: StoredInstrument = {
      resource: resourceOf('sender', { instance: 's' }),
      scope: 'test',
      name: 'otel.sdk.exporter.span.exported',
      description: '',
      unit: '{span}',
      type: 'counter',
    };
    store.addPoints([{ instrument, attributes: '{}', time: Date.now(), value: 1, count: 0 }]);
    await store.flush();
    store.maintain(Date.now() + 20_000);
    await eventually(() => others.refusal({ service: 'sender', instance: 's' })?.includes('by OTLP'));
  });
});

describe('what a process says of the profile it is asked for', () => {
  it('is the refusal of the page, with its status, and is forgotten then', async () => {
    const { store, others } = openPage();
    answerWith(store, (id) =>
      store.commands.answer(id, { status: 429, message: 'Enough for now.' }, { state: 'failed' }),
    );
    await expect(others.start(NAME, 1, 'me')).rejects.toMatchObject({
      status: 429,
      message: 'The process has refused: Enough for now.',
    });
    await eventually(() => store.commands.list(NAME).length === 0);
    expect(others.list(NAME)).toEqual({
      running: undefined,
      profiles: [],
      problem: undefined,
      left: undefined,
    });
  });

  it('is shown where it comes after the start: the recording failed', async () => {
    const { store, others } = openPage();
    answerWith(store, async (id) => {
      await store.commands.answer(id, { startedAt: 1, endsAt: Date.now() + 1_000, left: 3 });
    });
    const { id } = await others.start(NAME, 1, 'me');
    expect(others.list(NAME)).toMatchObject({ running: { id, by: 'me, from the page of a test' }, left: 3 });
    await expect(others.start(NAME, 1, 'you')).rejects.toMatchObject({ status: 409 });
    await store.commands.answer(id, { status: 413, message: 'Too large.' }, { state: 'failed' });
    expect(others.list(NAME)).toMatchObject({ running: undefined, problem: 'Too large.' });
  });

  it('may be anything, where another version wrote it', async () => {
    const { store, others } = openPage();
    answerWith(store, (id, { details }) =>
      store.commands.answer(id, [details, { status: 'x' }], { state: 'failed' }),
    );
    await expect(others.start(NAME, 1, 'me')).rejects.toMatchObject({ status: 502 });
    for (const [answer, result] of [
      // Node 22.15 stores no bytes as null.
      ['', '-'],
      ['[', '{}'],
      ['null', 'null'],
      ['{"startedAt":"1","endedAt":2,"samples":1,"bytes":1}', '{}'],
    ])
      store.read((database) =>
        database.run(
          `INSERT INTO commands (id, resource, kind, details, asked_by, asked_at, state, answer, result)
           VALUES (?, (SELECT id FROM resources), 'cpu-profile', '?', 'x', ?, 'done', ?, ?)`,
          `odd ${answer}`,
          Date.now(),
          answer!,
          new TextEncoder().encode(result),
        ),
      );
    expect(others.list(NAME).profiles).toEqual([]);
    const odd = {
      id: 'odd ',
      by: '',
      process: NAME,
      startedAt: 0,
      endedAt: 0,
      samples: 0,
      bytes: 0,
      left: 0,
    };
    await expect(others.load(odd)).rejects.toMatchObject({ status: 502 });
    await expect(others.load({ ...odd, id: 'gone' })).rejects.toMatchObject({ status: 404 });
  });
});

describe('a profile on its way through the store', () => {
  const profile = (names: readonly string[]) => ({
    nodes: names.map((functionName, id) => ({
      id,
      callFrame: { functionName, scriptId: '1', url: '', lineNumber: 1, columnNumber: 1 },
    })),
    startTime: 0,
    endTime: 1,
    samples: [0],
    timeDeltas: [1],
  });
  const keptOf = (names: readonly string[], bytes = 1_000) => ({
    id: 'x',
    by: 'x',
    startedAt: 5,
    endedAt: 6,
    bytes,
    profile: profile(names),
  });

  it('is the same at its end', async () => {
    const kept = keptOf(['a', 'b']);
    const packed = await packProfile(kept, 10_000);
    expect(await unpackProfile(packed, 5)).toEqual({ profile: kept.profile, startedAt: 5 });
  });

  it('is refused where it is too large, as it is or packed', async () => {
    await expect(packProfile(keptOf(['a'], 9 * 1_024 * 1_024), 1e9)).rejects.toMatchObject({
      status: 413,
      message: expect.stringContaining('9 MiB') as string,
    });
    const names = Array.from({ length: 500 }, (_, index) => `f${Math.sqrt(index)}`);
    await expect(packProfile(keptOf(names), 1_000)).rejects.toMatchObject({ status: 413 });
  });

  it('is not read where it is none, or unpacks to more than one can have', async () => {
    const odd = [
      Uint8Array.of(1, 2, 3),
      gzipSync('null'),
      gzipSync(JSON.stringify({ ...profile(['a']), nodes: [{}] })),
      gzipSync(JSON.stringify({ ...profile(['a']), timeDeltas: ['1'] })),
      gzipSync(Buffer.alloc(20 * 1_024 * 1_024)),
    ];
    for (const packed of odd) await expect(unpackProfile(packed, 0)).rejects.toMatchObject({ status: 502 });
  });
});

describe('a process that is asked', () => {
  it('refuses kinds and lengths that it does not know, and what is above its budget', async () => {
    const { store } = openPage();
    const budget = new ProfileBudget();
    const { commands } = store;
    const end = answerCommands({ commands, listen: commands.listen.bind(commands, WORKER) }, budget);
    const ask = async (kind: string, details: string) => {
      const id = `${kind} ${details} ${budget.left()}`;
      await commands.ask(NAME, { id, kind, details, askedBy: 'x\n\u001b[31m' }, () => false);
      return eventually('an answer', () => {
        store.maintain();
        const command = commands.find(id);
        return command?.state === 'failed' && (JSON.parse(command.answer!) as { status: number });
      });
    };
    expect(await ask('reboot', '{}')).toMatchObject({ status: 501 });
    for (const details of ['', '{}', '{"seconds":"1"}', '{"seconds":31}', '{"seconds":null}'])
      expect(await ask(CPU_PROFILE, details)).toMatchObject({ status: 400 });
    for (let spent = 0; spent < PROFILES_PER_HOUR; spent += 1) budget.spend(Date.now());
    expect(await ask(CPU_PROFILE, '{"seconds":1}')).toMatchObject({ status: 429 });
    end();
  });
});
