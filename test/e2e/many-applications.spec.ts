import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = join(__dirname, 'programs/many-applications.mjs');

interface Counts {
  /** How often the files that the process has loaded were listed. */
  readonly listings: number;
  /** How often the path of one of them was compared with that of a client library. */
  readonly matched: number;
  /** How often a package.json was read. */
  readonly packages: number;
  /** How many monitors of the event loop were made. */
  readonly monitors: number;
  /** How often the CPU times of the host were read. */
  readonly cpus: number;
  readonly patched: boolean;
  readonly restored: boolean;
}

interface Answer {
  readonly files: number;
  readonly applications: readonly Counts[];
  readonly lateIsPatched: boolean;
}

describe.each(['fastify', 'express'])('many applications in one process, on %s', (platform) => {
  let answer: Answer;
  let first: Counts;
  let later: readonly Counts[];

  beforeAll(async () => {
    const { stdout } = await run(process.execPath, [program, platform]);
    // The last line is that of the program.
    answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer;
    [first, ...later] = answer.applications as [Counts, ...Counts[]];
  });

  it('read the package.json for the first one only', () => {
    expect(first.packages).toBeGreaterThan(0);
    expect(later.map(({ packages }) => packages)).toEqual([0, 0, 0]);
  });

  it('search the loaded files for client libraries for the first one, and then only those loaded since', () => {
    expect(first.matched).toBeGreaterThan(answer.files);
    expect(later[0]?.matched).toBeLessThan(first.matched / 5);
    expect(later.slice(1).map(({ matched }) => matched)).toEqual([0, 0]);
  });

  it('list the loaded files a few times each, independent of the number of client libraries', () => {
    for (const { listings } of answer.applications) expect(listings).toBeLessThanOrEqual(4);
  });

  it('share one monitor of the event loop and one first reading of the CPU times', () => {
    expect(first).toMatchObject({ monitors: 1, cpus: 1 });
    for (const each of later) expect(each).toMatchObject({ monitors: 0, cpus: 0 });
  });

  it('record a client library in each, and leave it as it was after each', () => {
    for (const each of answer.applications) expect(each).toMatchObject({ patched: true, restored: true });
  });

  it('record a client library that was loaded between two of them', () => {
    expect(answer.lateIsPatched).toBe(true);
  });
});
