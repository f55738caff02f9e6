import 'reflect-metadata';

import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';

import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { type DashboardOptions, TelemetryModule } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

import {
  type FlameAnswer,
  type ProfileAnswer,
  type ProfilesAnswer,
} from '../../../../lib/dashboard/panels/profiles/query.js';
import { eventually } from '../../../support/eventually.js';

const TOKEN = 'a-token-of-this-test-0123456789';

/** Uses the processor for some samples, however little of it this process gets; its name is looked for in the profile. */
function keepBusyForTheProfile(ms: number): number {
  const before = process.cpuUsage();
  let sum = 0;
  while (process.cpuUsage(before).user < ms * 1_000)
    for (let round = 0; round < 10_000; round += 1) sum += Math.sqrt(sum + round);
  return sum;
}

describe('profiles of the process', () => {
  let app: INestApplication;
  let address: string;
  let lines: Record<string, unknown>[];

  const start = async (dashboard: DashboardOptions = {}): Promise<void> => {
    lines = [];
    const destination = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        for (const line of chunk.toString().trim().split('\n'))
          lines.push(JSON.parse(line) as Record<string, unknown>);
        callback();
      },
    });
    @Module({
      imports: [
        TelemetryModule.forRoot({
          ...createTelemetryProbe().options,
          environment: 'development',
          logging: { destination, format: 'json', level: 'info' },
          dashboard: { token: TOKEN, ...dashboard },
          store: { file: ':memory:' },
        }),
      ],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, new ExpressAdapter(), { abortOnError: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    address = `http://127.0.0.1:${port}`;
  };

  afterEach(() => app.close());

  const api = (path: string, body?: object, init: RequestInit = {}): Promise<Response> =>
    fetch(`${address}/telemetry/api/v1/${path}`, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      ...init,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(init.headers as Record<string, string>),
      },
    });

  const refusalOf = async (response: Response): Promise<[number, string]> => [
    response.status,
    ((await response.json()) as { error: { message: string } }).error.message,
  ];

  const list = async (): Promise<ProfilesAnswer> => (await api('profiles')).json() as Promise<ProfilesAnswer>;

  /** Begins to record; the machine of the test may have no time at first. */
  const begin = (seconds = 30): Promise<unknown> =>
    eventually('the recording', async () => {
      const response = await api('profiles', { seconds });
      return response.status === 503 ? undefined : response.ok && ((await response.json()) as unknown);
    });

  const record = async (): Promise<ProfileAnswer> => {
    await begin();
    keepBusyForTheProfile(100);
    const response = await api('profiles/stop', {});
    expect(response.status).toBe(200);
    return (await response.json()) as ProfileAnswer;
  };

  it('name the functions that ran, with their self time, and can be downloaded', async () => {
    await start();
    const { id, samples } = await record();
    expect(samples).toBeGreaterThan(0);
    const flame = (await (await api(`profiles/${id}`)).json()) as FlameAnswer;
    const busy = flame.frames.find(({ name }) => name === 'keepBusyForTheProfile')!;
    expect(busy).toMatchObject({ origin: 'own' });
    expect(busy.selfMs).toBeGreaterThan(0);
    expect(flame.busyMs).toBeGreaterThanOrEqual(busy.selfMs);
    const file = (await (await api(`profiles/${id}/cpuprofile`)).json()) as object;
    expect(Object.keys(file)).toEqual(
      expect.arrayContaining(['nodes', 'startTime', 'endTime', 'samples', 'timeDeltas']),
    );
  });

  it('are summed over a stretch of time alone', async () => {
    await start();
    const { id, startedAt } = await record();
    const before = (await (
      await api(`profiles/${id}?from=${startedAt - 2_000}&to=${startedAt - 1_000}`)
    ).json()) as FlameAnswer;
    expect(before).toMatchObject({ frames: [], busyMs: 0, idleMs: 0, samples: 0, others: 0 });
  });

  it('end by themselves, with a log line of who recorded them', async () => {
    await start();
    await begin(1);
    await eventually('the end', async () => (await list()).profiles.length === 1);
    expect((await list()).running).toBeUndefined();
    const audit = lines.filter(({ context }) => context === 'TelemetryControl');
    expect(audit.map(({ level, by, event }) => [level, by, event])).toEqual([
      [40, '127.0.0.1', 'begins'],
      [40, '127.0.0.1', 'has ended by itself'],
    ]);
  });

  it('are recorded one at a time, and not beside a heap snapshot', async () => {
    await start();
    await begin();
    expect((await list()).running).toMatchObject({ by: '127.0.0.1' });
    expect(await refusalOf(await api('profiles', {}))).toEqual([409, expect.stringContaining('already')]);
    expect(await refusalOf(await api('heap-snapshot', { confirm: true }))).toEqual([
      409,
      expect.stringContaining('CPU profile'),
    ]);
    await api('profiles/stop', {});
    expect(await refusalOf(await api('profiles/stop', {}))).toEqual([404, expect.any(String)]);
  });

  it('end when the application is closed, and free the profiler', async () => {
    await start();
    await begin();
    await app.close();
    expect(lines.filter(({ event }) => event === 'ends with the application')).toHaveLength(1);
    await start();
    await begin();
    await api('profiles/stop', {});
  });

  it.each([
    [{ seconds: 0 }, 'seconds must be'],
    [{ seconds: 31 }, 'seconds must be'],
    [{ seconds: '5' }, 'seconds must be'],
    [{ seconds: null }, 'seconds must be'],
    [[], 'Send an object'],
  ])('are refused for %j with the reason', async (body, reason) => {
    await start();
    expect(await refusalOf(await api('profiles', body))).toEqual([400, expect.stringContaining(reason)]);
    expect((await list()).running).toBeUndefined();
  });

  it.each([
    ['profiles', {}],
    ['profiles/stop', {}],
    ['heap-snapshot', { confirm: true }],
  ])('%s does nothing by GET, without the token, from another origin or by a form', async (path, body) => {
    await start();
    if (path !== 'profiles') expect((await api(path)).status).toBeGreaterThanOrEqual(404);
    const withHead = async (headers: Record<string, string>): Promise<number> =>
      (await api(path, body, { headers })).status;
    expect(await withHead({ authorization: 'Bearer wrong' })).toBe(401);
    expect(await withHead({ origin: 'http://evil.example' })).toBe(403);
    expect(await withHead({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await withHead({ 'content-type': 'text/plain' })).toBe(415);
    expect((await list()).running).toBeUndefined();
  });

  it('are refused by an open dashboard, and where the option is off', async () => {
    await start({ token: false });
    const [status, reason] = await refusalOf(await api('profiles', {}));
    expect([status, reason]).toEqual([403, expect.stringContaining('dashboard.token: false')]);
    expect((await list()).refused).toBe(reason);
    await app.close();
    await start({ profiling: false });
    for (const path of ['profiles', 'profiles/stop', 'heap-snapshot'])
      expect(await refusalOf(await api(path, {}))).toEqual([
        403,
        expect.stringContaining('TELEMETRY_DASHBOARD_PROFILING'),
      ]);
  });

  it('that are unknown are not there, whatever their id', async () => {
    await start();
    for (const id of ['unknown', '%00', '..%2f', '__proto__']) {
      expect((await api(`profiles/${id}`)).status).toBe(404);
      expect((await api(`profiles/${id}/cpuprofile`)).status).toBe(404);
    }
  });

  it('of the heap are sent as they are read, after a confirmation alone', async () => {
    await start();
    for (const confirm of [undefined, false, 'true', 1])
      expect(await refusalOf(await api('heap-snapshot', { confirm }))).toEqual([
        400,
        expect.stringContaining('everything that is in memory'),
      ]);
    const leave = new AbortController();
    const first = await api('heap-snapshot', { confirm: true }, { signal: leave.signal });
    // The heap of a test runner may be larger than what is taken.
    if (first.status === 503) {
      expect(await refusalOf(first)).toEqual([503, expect.stringContaining('MiB')]);
      return;
    }
    // A visitor who leaves frees the next one.
    expect(first.headers.get('content-disposition')).toContain('.heapsnapshot');
    const reader = first.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toMatch(/^\{"snapshot":/);
    leave.abort();
    await eventually('the next profile', async () => (await api('profiles', { seconds: 30 })).ok);
    await api('profiles/stop', {});
    expect(lines.some(({ event, by }) => event === 'heap snapshot' && by === '127.0.0.1')).toBe(true);
  });
});
