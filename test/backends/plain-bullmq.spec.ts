import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describeWith } from './backend-processes.js';
import { RedisServer } from './redis-server.js';

const run = promisify(execFile);

interface Printed {
  readonly spans: readonly {
    readonly name: string;
    readonly job: string;
    readonly traceId: string;
    readonly status?: string;
    readonly links: number;
  }[];
  readonly result: { readonly traceId: string };
  /** Whether BullMQ's methods were replaced, before the shutdown and after. */
  readonly patched: readonly boolean[];
}

describeWith('redis', 'BullMQ without NestJS, with a sandboxed processor', (binary) => {
  let redis: RedisServer;
  let printed: Printed;
  beforeAll(async () => {
    redis = await RedisServer.start(binary);
    const { stdout } = await run(
      process.execPath,
      [join(__dirname, 'plain-bullmq.mjs'), String(redis.port)],
      {
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );
    printed = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Printed;
  });
  afterAll(() => redis.stop());

  it('is recorded, though it was imported after telemetry had started', () => {
    expect(printed.spans.map(({ name, job }) => `${name}: ${job}`).sort()).toEqual([
      'add plain: bad',
      'add plain: good',
      'process plain: bad',
      'process plain: good',
    ]);
  });

  it('shows the attempt of the other process, what it threw and who added the job', () => {
    const attempts = printed.spans.filter(({ name }) => name === 'process plain');
    expect(attempts.map(({ links }) => links)).toEqual([1, 1]);
    expect(attempts.find(({ job }) => job === 'bad')?.status).toBe('sandboxed failure');
  });

  it('lets the other process go on in the trace that the job was added in', () => {
    const producer = printed.spans.find(({ name, job }) => name === 'add plain' && job === 'good');
    expect(printed.result.traceId).toBe(producer?.traceId);
  });

  it('has its own methods again after the shutdown', () => {
    expect(printed.patched).toEqual([true, false]);
  });
});
