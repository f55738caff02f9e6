import { PROFILES_PER_HOUR } from '../../../lib/dashboard/profiling/profile-budget.js';
import { Profiling } from '../../../lib/dashboard/profiling/profiling.js';
import { type CpuNode, type RecordedProfile } from '../../../lib/dashboard/profiling/record-cpu.js';
import { sumProfile } from '../../../lib/dashboard/profiling/sum-profile.js';
import { takeAllSteps } from '../../../lib/dashboard/steps.js';

describe('the budget of profiles', () => {
  it('refuses one while the event loop has no time, and gives the profiler back', async () => {
    let load = 0.97;
    const profiling = new Profiling(() => Promise.resolve(load));
    await expect(profiling.start(1, 'test')).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining('97 % busy') as string,
    });
    load = 0.5;
    await profiling.start(30, 'test');
    expect(profiling.stop('test')).toMatchObject({ by: 'test' });
    profiling.close();
  });

  it('ends after so many in an hour, and keeps the last four', async () => {
    const profiling = new Profiling(() => Promise.resolve(0));
    for (let index = 0; index < PROFILES_PER_HOUR; index += 1) {
      expect(profiling.left()).toBe(PROFILES_PER_HOUR - index);
      await profiling.start(30, `visitor ${index}`);
      profiling.stop('test');
    }
    await expect(profiling.start(30, 'one more')).rejects.toMatchObject({ status: 429 });
    expect(profiling.profiles.map(({ by }) => by)).toEqual([11, 10, 9, 8].map((index) => `visitor ${index}`));
    expect(profiling.left(Date.now() + 3_600_001)).toBe(PROFILES_PER_HOUR);
    profiling.close();
    expect(profiling.profiles).toEqual([]);
  });

  it('holds for all applications of the process together', async () => {
    const [one, two] = [new Profiling(() => Promise.resolve(0)), new Profiling(() => Promise.resolve(0))];
    await one.start(30, 'one');
    await expect(two.start(30, 'two')).rejects.toMatchObject({ status: 409 });
    two.close();
    expect(one.running).toMatchObject({ by: 'one' });
    one.close();
  });

  it('takes nothing more once the application is closed, also while the load is measured', async () => {
    let measured: (load: number) => void = () => undefined;
    const profiling = new Profiling(
      () =>
        new Promise((resolve) => {
          measured = resolve;
        }),
    );
    const started = profiling.start(1, 'late');
    profiling.close();
    measured(0);
    await expect(started).rejects.toMatchObject({ status: 503 });
    await expect(profiling.start(1, 'later')).rejects.toMatchObject({ status: 503 });
    expect(() => profiling.takeSnapshot('later')).toThrow('stopping');
  });
});

const node = (id: number, functionName: string, url = '', children: readonly number[] = []): CpuNode => ({
  id,
  callFrame: { functionName, scriptId: '1', url, lineNumber: 4, columnNumber: 2 },
  children,
});

/** Four samples of 10 ms: idle, find, query below find, find. */
const PROFILE: RecordedProfile = {
  startedAt: 1_000,
  profile: {
    nodes: [
      node(1, '(root)', '', [2, 3]),
      node(2, '(idle)'),
      node(3, 'find', 'file:///app/dist/orders.js', [4]),
      node(4, '', '/app/node_modules/pg/lib/client.js'),
    ],
    startTime: 7_000_000,
    endTime: 7_040_000,
    samples: [2, 3, 4, 3],
    timeDeltas: [0, 10_000, 10_000, 10_000],
  },
};

describe('the sums of a profile', () => {
  const sum = (from?: number, to?: number) => takeAllSteps(sumProfile(PROFILE, from, to));

  it('have each function below the one that called it, and idle time apart', () => {
    expect(sum()).toEqual({
      frames: [
        {
          name: 'find',
          origin: 'own',
          file: 'file:///app/dist/orders.js',
          line: 5,
          column: 3,
          parent: undefined,
          selfMs: 20,
        },
        {
          name: '(anonymous)',
          origin: 'library',
          file: '/app/node_modules/pg/lib/client.js',
          line: 5,
          column: 3,
          parent: 0,
          selfMs: 10,
        },
      ],
      leftOut: 0,
      busyMs: 30,
      idleMs: 10,
      samples: 3,
    });
  });

  it('count samples for the part that lies within the stretch of time', () => {
    expect(sum(1_015, 1_025)).toMatchObject({ busyMs: 10, idleMs: 0, samples: 2 });
    expect(sum(1_015, 1_025).frames.map(({ selfMs }) => selfMs)).toEqual([5, 5]);
    expect(sum(2_000, 3_000)).toMatchObject({ frames: [], busyMs: 0 });
  });

  it('are bounded, and keep the time of what is left out at its caller', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => index + 3);
    const wide: RecordedProfile = {
      startedAt: 0,
      profile: {
        nodes: [
          node(1, '(root)', '', [2]),
          node(2, 'caller', 'file:///app.js', many),
          ...many.map((id) => node(id, `f${id}${'x'.repeat(1_000)}`, 'file:///app.js')),
        ],
        startTime: 0,
        endTime: 5_000_000,
        samples: many,
        timeDeltas: many.map((_, index) => (index === 0 ? 0 : 1_000)),
      },
    };
    const { frames, leftOut, busyMs } = takeAllSteps(sumProfile(wide));
    expect([frames.length, leftOut]).toEqual([3_000, 2_001]);
    expect(frames.reduce((total, { selfMs }) => total + selfMs, 0)).toBeCloseTo(busyMs);
    expect(Math.max(...frames.map(({ name }) => name.length))).toBe(200);
    expect(frames.every(({ parent }, index) => parent === undefined || parent < index)).toBe(true);
  });

  it('of a profile without samples, or with nodes that are not there, are empty', () => {
    const odd = { ...PROFILE.profile, samples: [99, 98], timeDeltas: [0, 1_000], nodes: [] };
    expect(takeAllSteps(sumProfile({ startedAt: 0, profile: odd }))).toMatchObject({ frames: [], busyMs: 0 });
  });
});
