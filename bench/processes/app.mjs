// One server process: `node app.mjs VARIANT SINK_URL`, with BENCH_PLATFORM and BENCH_UPSTREAM. It is told over IPC when a window
// begins and when to report, and measures itself, so that the processor time of every thread counts and nothing else does.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { createApplication } from './application.mjs';
import { VARIANTS } from './variants.mjs';

const [name, endpoint] = process.argv.slice(2);
const { BENCH_RARE, BENCH_PLATFORM = 'fastify', BENCH_UPSTREAM } = process.env;

/**
 * What is really held: the heap and what lies outside of it, after a full collection. How much the process has of the system
 * (its resident set) says more about when V8 last felt like collecting.
 */
function measureLiveBytes() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Takes a CPU profile of a window; the inspector is loaded only then. */
async function startProfile() {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 500 });
  await session.post('Profiler.start');
  return async (file) => {
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
    session.disconnect();
  };
}

const { app, writeLine } = await createApplication(await VARIANTS[name].load(endpoint), {
  platform: BENCH_PLATFORM,
  upstream: BENCH_UPSTREAM === undefined ? undefined : JSON.parse(BENCH_UPSTREAM),
  rare: BENCH_RARE !== undefined,
});
await app.listen(0, '127.0.0.1');
const startupMs = performance.now();

const DELAY_RESOLUTION_MS = 10;
const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
let usage;
let threadUsage;
let stopProfile;
let watched;

/**
 * How long the event loop was held up by the process's own work: the processor time of its thread between two turns of a timer.
 * What other processes took from it, which the plain delay has in it too, is not.
 */
function watchOwnWork() {
  let longest = 0;
  let before = process.threadCpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longest = Math.max(longest, user + system);
  }, DELAY_RESOLUTION_MS);
  return () => {
    clearInterval(timer);
    return longest / 1_000;
  };
}

const commands = {
  begin: async ({ profile, watch }) => {
    if (profile) stopProfile = await startProfile();
    if (watch) watched = watchOwnWork();
    delay.enable();
    delay.reset();
    usage = process.cpuUsage();
    threadUsage = process.threadCpuUsage();
  },
  /** The load has ended; the event loop is idle from here, so that its delay is read now. */
  endLoad: () => {
    delay.disable();
    const overResolution = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - DELAY_RESOLUTION_MS);
    return {
      delayMeanMs: overResolution(delay.mean),
      delayP99Ms: overResolution(delay.percentile(99)),
      delayMaxMs: overResolution(delay.max),
      ownMaxMs: watched?.(),
    };
  },
  /** What it holds now, under load; `collect` stops everything for a full collection. */
  sample: ({ collect }) => {
    const { user, system } = process.cpuUsage();
    const liveBytes = collect ? measureLiveBytes() : undefined;
    const { rss, heapUsed } = process.memoryUsage();
    return { rssBytes: rss, heapBytes: heapUsed, liveBytes, cpuMicros: user + system, userMicros: user };
  },
  /** What was buffered has been sent. */
  report: async ({ profile }) => {
    const { user, system } = process.cpuUsage(usage);
    const thread = process.threadCpuUsage(threadUsage);
    const { rss } = process.memoryUsage();
    const liveBytes = measureLiveBytes();
    await stopProfile?.(profile);
    stopProfile = undefined;
    return {
      cpuMicros: user + system,
      systemMicros: system,
      threadMicros: thread.user + thread.system,
      rssBytes: rss,
      liveBytes,
    };
  },
  /** Lines in one go: more than anybody could write meanwhile. */
  burst: ({ lines }) => {
    for (let index = 0; index < lines; index += 1) writeLine(String(index));
  },
  stop: () => {
    process.disconnect();
    process.exit(0);
  },
};

process.on('message', async ({ command, ...args }) => {
  process.send({ command, ...(await commands[command](args)) });
});
// The bench was killed: nobody is there to stop this process.
process.on('disconnect', () => process.exit(0));
process.send({ command: 'listening', port: app.getHttpServer().address().port, startupMs });
