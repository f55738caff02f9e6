import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type FlameAnswer,
  type ProfileAnswer,
  type RunningProfileAnswer,
} from '../../lib/dashboard/panels/profiles/query.js';
import { type ProcessName } from '../../lib/dashboard/profiling/process-commands.interface.js';
import { eventually } from '../support/eventually.js';
import { type ApiAnswer, ProfiledService, TOKEN } from './profiled-service.js';

let folder: string;
const services: ProfiledService[] = [];

function open(): void {
  folder = mkdtempSync(join(tmpdir(), 'profile-other-'));
}

async function close(): Promise<void> {
  await Promise.all(services.splice(0).map((service) => service.end()));
  rmSync(folder, { recursive: true, force: true });
}

async function start(name: string, dashboard: object = {}): Promise<ProfiledService> {
  const service = await ProfiledService.start(name, join(folder, 'telemetry.db'), dashboard);
  services.push(service);
  return service;
}

const startAll = <Names extends readonly [string, ...string[]]>(...names: Names) =>
  Promise.all(names.map((name) => start(name))) as Promise<{ [Index in keyof Names]: ProfiledService }>;

const refusalOf = ({ status, body }: ApiAnswer): [number, string] => [
  status,
  (body as { error: { message: string } }).error.message,
];

/** Asks until the machine of the test has time for a profile. */
const begin = (page: ProfiledService, name: object, seconds: number): Promise<RunningProfileAnswer> =>
  eventually('the recording', async () => {
    const answer = await page.api('profiles', { ...name, seconds });
    if (answer.status === 503) return undefined;
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body as RunningProfileAnswer;
  });

const auditOf = ({ lines }: ProfiledService) =>
  lines
    .filter(({ context }) => context === 'TelemetryControl')
    .map(({ event, by }) => [event, by] as [string, string]);

describe('a process that has the store of the page open, and runs', () => {
  let page: ProfiledService;
  let worker: ProfiledService;
  let third: ProfiledService;
  let name: ProcessName;

  beforeAll(async () => {
    open();
    [page, worker, third] = await startAll('gateway', 'worker', 'third');
    name = await page.find(worker);
  });
  afterAll(close);

  it('is profiled from there, and every page of the store has the profile; both processes say so', async () => {
    expect(await page.profiles(name)).toMatchObject({ own: false, pid: worker.child.pid, profiles: [] });
    expect((await page.profiles(name)).refused).toBeUndefined();

    const { id } = await begin(page, name, 30);
    const calm = worker.keepBusy();
    expect((await third.profiles(name)).running).toMatchObject({ id });
    expect((await worker.profiles()).running).toMatchObject({ id });
    expect((await page.profiles()).running).toBeUndefined();
    for (const asks of [page, third])
      expect(refusalOf(await asks.api('profiles', { ...name, seconds: 1 }))).toEqual([
        409,
        expect.stringContaining('already'),
      ]);
    expect((await worker.api('profiles', { seconds: 1 })).status).toBe(409);
    await (await fetch(`${worker.origin}/busy`)).text();
    const stopped = (await third.api('profiles/stop', name)).body as ProfileAnswer;
    await calm();
    expect(stopped).toMatchObject({ id, by: `127.0.0.1, from the page of gateway (pid ${page.child.pid})` });

    for (const asks of [page, third, worker]) {
      const flame = (await asks.api(`profiles/${id}`)).body as FlameAnswer;
      expect(flame.profile).toEqual(stopped);
      expect(flame.frames.find(({ name: frame }) => frame === 'burnInTheOtherProcess')).toMatchObject({
        origin: 'own',
      });
      expect((await asks.profiles(asks === worker ? {} : name)).profiles).toEqual([stopped]);
    }
    const file = (await page.api(`profiles/${id}/cpuprofile`)).body as { samples: unknown[] };
    expect(file.samples).toHaveLength(stopped.samples);
    expect((await page.profiles(name)).left).toBe(11);

    const asker = `127.0.0.1, from the page of gateway (pid ${page.child.pid})`;
    await eventually(() => auditOf(worker).length === 2);
    expect(auditOf(worker)).toEqual([
      ['begins', asker],
      [`was stopped by 127.0.0.1, from the page of third (pid ${third.child.pid})`, asker],
    ]);
    expect(auditOf(page)).toContainEqual(['asks another process', '127.0.0.1']);
  });

  it('records one profile when two pages ask at the same moment, and ends it by itself', async () => {
    const answers = await eventually('one recording', async () => {
      const both = await Promise.all(
        [page, third].map((asks) => asks.api('profiles', { ...name, seconds: 1 })),
      );
      return both.some(({ status }) => status === 200) && both;
    });
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await eventually('the profile', async () => (await third.profiles(name)).profiles.length === 2);
    expect((await page.profiles(name)).running).toBeUndefined();
  });

  it('that is blocked does not answer in time, and does not run the question later', async () => {
    const before = auditOf(worker).length;
    worker.child.kill('SIGSTOP');
    expect(refusalOf(await page.api('profiles', { ...name, seconds: 1 }))).toEqual([
      504,
      expect.stringContaining('Nothing is recorded.'),
    ]);
    worker.child.kill('SIGCONT');
    await begin(page, name, 1);
    await eventually('the profile', async () => (await page.profiles(name)).profiles.length === 3);
    await eventually(() => auditOf(worker).length === before + 2);
    const events = auditOf(worker).map(([event]) => event);
    expect(events.slice(before)).toEqual(['begins', 'has ended by itself']);
  });
});

describe('a process that has the store of the page open', () => {
  beforeEach(open);
  afterEach(close);

  it('that is killed or closed while it is profiled leaves no profile, and the page says so', async () => {
    const [page, killed, closed] = await startAll('gateway', 'killed', 'closed');
    const [first, second] = [await page.find(killed), await page.find(closed)];
    await begin(page, first, 1);
    await killed.end();
    await begin(page, second, 30);
    closed.child.send('close');
    await eventually('the end', async () => (await page.profiles(second)).problem !== undefined);
    expect(await page.profiles(second)).toMatchObject({
      problem: 'The process has ended while it was profiled.',
      refused: 'This process has ended.',
      profiles: [],
    });
    expect((await page.profiles(second)).running).toBeUndefined();
    await eventually('the time limit', async () => (await page.profiles(first)).problem !== undefined);
    expect((await page.profiles(first)).problem).toContain('it was killed, or is blocked');
    // Nobody waits for it any more: another one is asked for, and not answered.
    expect(refusalOf(await page.api('profiles', { ...first, seconds: 1 }))).toEqual([
      504,
      expect.stringContaining('has not answered within 5 s'),
    ]);
  });

  it('decides by its own options, and is asked by a page that may profile only', async () => {
    const [page, off, without] = await Promise.all([
      start('gateway'),
      start('off', { profiling: false }),
      start('without', { enabled: false }),
    ]);
    for (const [service, reason] of [
      [off, 'dashboard.profiling or TELEMETRY_DASHBOARD_PROFILING is false there'],
      [without, 'its dashboard is off'],
    ] as const) {
      const name = await page.find(service);
      expect((await page.profiles(name)).refused).toContain(reason);
      expect(refusalOf(await page.api('profiles', name))).toEqual([409, expect.stringContaining(reason)]);
    }
    const name = await off.find(page);
    expect(refusalOf(await off.api('profiles', name))).toEqual([403, expect.stringContaining('are off')]);
    const heap = await page.api('heap-snapshot', { ...(await page.find(off)), confirm: true });
    expect(refusalOf(heap)).toEqual([409, expect.stringContaining('that serves the page only')]);
    for (const body of [{ service: 1 }, { instance: 'x' }, { service: 'a', instance: null }])
      expect((await page.api('profiles', body)).status).toBe(400);
    expect(refusalOf(await page.api('profiles', { service: 'unknown', instance: 'x' }))[0]).toBe(409);
  });

  it('is profiled from a page that is served apart, whose own process is not', async () => {
    const [worker] = await startAll('worker');
    const page = await startApart(join(folder, 'telemetry.db'));
    try {
      const answer = (await page.api('profiles')) as { refused: string };
      expect(answer.refused).toContain('This process only shows what is stored');
      const name = await eventually('the process', async () => {
        const [found] = (await page.api('processes')) as { service: string; instance: string }[];
        return found && { service: found.service, instance: found.instance };
      });
      await eventually('the recording', async () => {
        const begun = (await page.api('profiles', { ...name, seconds: 1 })) as { id?: string };
        return begun.id !== undefined;
      });
      const query = new URLSearchParams(name).toString();
      await eventually('the profile', async () => {
        const { profiles } = (await page.api(`profiles?${query}`)) as { profiles: unknown[] };
        return profiles.length === 1;
      });
    } finally {
      page.child.kill('SIGKILL');
    }
    await eventually(() => auditOf(worker).length === 2);
  });
});

async function startApart(file: string) {
  const child: ChildProcess = fork(
    join(__dirname, '../../dist/esm/cli/main.js'),
    ['dashboard', '--file', file, '--port', '0'],
    {
      env: { ...process.env, TELEMETRY_DASHBOARD_TOKEN: TOKEN },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  );
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await eventually('the page', () => /http:\/\/\S+/.test(said));
  const origin = new URL(/http:\/\/\S+/.exec(said)![0]).origin;
  const api = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${origin}/telemetry/api/v1/${path}`, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    });
    return response.json();
  };
  return { child, api, ended: once(child, 'exit') };
}
