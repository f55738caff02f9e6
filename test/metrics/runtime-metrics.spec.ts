import { totalmem } from 'node:os';
import { setTimeout as later } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { ROOT_CONTEXT } from '@opentelemetry/api';
import { type Histogram } from '@opentelemetry/sdk-metrics';

import { recordJobWait } from '../../lib/metrics/queue-metrics.js';
import { startRuntimeMetrics } from '../../lib/metrics/runtime-metrics.js';
import { eventually } from '../support/eventually.js';
import { type CollectingSdk, startCollectingSdk } from './collecting-sdk.js';

function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

describe('startRuntimeMetrics()', () => {
  let sdk: CollectingSdk;
  let stop: () => void;
  let began: number;
  beforeEach(() => {
    began = performance.now();
    sdk = startCollectingSdk();
    stop = startRuntimeMetrics();
  });
  afterEach(async () => {
    stop();
    await sdk.stop();
  });

  const valueOf = async (name: string): Promise<number> => (await sdk.points(name))[0]?.value as number;

  it('shows in the event-loop delay that the loop was blocked, since the last collection only', async () => {
    await later(30);
    // Longer than other processes delay the loop of this one.
    block(1_000);
    await later(30);

    const blocked = await valueOf('nodejs.eventloop.delay.max');

    expect(blocked).toBeGreaterThan(0.9);
    // Each reading is a collection, after which Node 22.15 needs more than the 10 ms of its monitor for another delay.
    await eventually(
      'a shorter delay',
      async () => (await valueOf('nodejs.eventloop.delay.max')) < blocked,
      undefined,
      { everyMs: 50 },
    );
  });

  it('orders the event-loop delays as a distribution', async () => {
    await later(100);

    const data = await sdk.collect();
    const read = (name: string): number =>
      data.find(({ descriptor }) => descriptor.name === `nodejs.eventloop.delay.${name}`)?.dataPoints[0]
        ?.value as number;

    expect(read('min')).toBeGreaterThan(0);
    expect(read('min')).toBeLessThanOrEqual(read('p50'));
    expect(read('p50')).toBeLessThanOrEqual(read('p90'));
    expect(read('p90')).toBeLessThanOrEqual(read('p99'));
    expect(read('p99')).toBeLessThanOrEqual(read('max'));
  });

  it('reports the utilization of the event loop between 0 and 1', async () => {
    block(20);
    await later(20);

    const utilization = await valueOf('nodejs.eventloop.utilization');
    expect(utilization).toBeGreaterThan(0);
    expect(utilization).toBeLessThanOrEqual(1);
    expect(await sdk.points('nodejs.eventloop.time')).toMatchObject([
      { attributes: { 'nodejs.eventloop.state': 'active' } },
      { attributes: { 'nodejs.eventloop.state': 'idle' } },
    ]);
  });

  it('records garbage collections by type', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    collectGarbage();

    let types: unknown[] = [];
    for (let tries = 0; tries < 100 && !types.includes('major'); tries += 1) {
      await later(20);
      types = (await sdk.points('v8js.gc.duration')).map(({ attributes }) => attributes['v8js.gc.type']);
    }

    expect(types).toContain('major');
    const [point] = await sdk.points('v8js.gc.duration');
    // Of seconds, and not of milliseconds, there are fewer than have passed.
    expect((point?.value as Histogram).sum).toBeLessThan((performance.now() - began) / 1_000);
  });

  it('reports the heap by space', async () => {
    const used = await sdk.points('v8js.memory.heap.used');
    const old = used.find(({ attributes }) => attributes['v8js.heap.space.name'] === 'old_space');

    expect(old?.value).toBeGreaterThan(1_000_000);
    expect((await sdk.points('v8js.memory.heap.space.size')).length).toBe(used.length);
  });

  it('reports CPU time, utilization, memory and uptime of the process', async () => {
    block(50);

    const data = await sdk.collect();
    const sum = (name: string): number =>
      (data.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []).reduce(
        (total, { value }) => total + (value as number),
        0,
      );

    expect(sum('process.cpu.time')).toBeGreaterThan(0.05);
    expect(sum('process.cpu.utilization')).toBeGreaterThan(0);
    expect(sum('process.cpu.utilization')).toBeLessThan(1.5);
    expect(sum('process.memory.usage')).toBeGreaterThan(10_000_000);
    expect(sum('process.uptime')).toBeCloseTo(process.uptime(), -1);
    expect(sum('system.memory.usage')).toBe(totalmem());
    expect(sum('system.memory.utilization')).toBeCloseTo(1);
  });

  it('reports the CPU utilization of the host by mode, with a sum of 1', async () => {
    await sdk.collect();
    block(150);

    const points = await sdk.points('system.cpu.utilization');
    expect(points.map(({ attributes }) => attributes['cpu.mode'])).toContain('user');
    expect(points.reduce((sum, { value }) => sum + (value as number), 0)).toBeCloseTo(1);
  });

  it('starts once, and measures nothing any more after it was stopped', async () => {
    expect(startRuntimeMetrics()).toBe(stop);

    stop();

    expect(await sdk.points('process.uptime')).toEqual([]);
    const restarted = startRuntimeMetrics();
    expect(await sdk.points('process.uptime')).toHaveLength(1);
    restarted();
  });
});

describe('recordJobWait()', () => {
  let sdk: CollectingSdk;

  beforeEach(() => {
    sdk = startCollectingSdk();
  });

  afterEach(async () => {
    await sdk.stop();
  });

  it('does not mix up queues and jobs whose names contain spaces', async () => {
    recordJobWait({ queue: 'mail', context: ROOT_CONTEXT }, 'send welcome', 1);
    recordJobWait({ queue: 'mail send', context: ROOT_CONTEXT }, 'welcome', 2);

    const points = await sdk.points('bullmq.job.wait.duration');
    expect(points.map(({ attributes }) => attributes)).toEqual([
      {
        'messaging.system.name': 'bullmq',
        'messaging.destination.name': 'mail',
        'bullmq.job.name': 'send welcome',
      },
      {
        'messaging.system.name': 'bullmq',
        'messaging.destination.name': 'mail send',
        'bullmq.job.name': 'welcome',
      },
    ]);
  });
});
