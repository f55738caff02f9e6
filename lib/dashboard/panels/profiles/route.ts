import { getHeapStatistics } from 'node:v8';

import { checkMayChange, readVisitor, whyNoChanges } from '../../access/may-change.js';
import { type ApiCall, defineRoutes } from '../../api/route.js';
import { type DashboardContext } from '../../dashboard-context.interface.js';
import { badRequest, DashboardError } from '../../http/dashboard-error.js';
import { readJson } from '../../http/read-body.js';
import { StreamAnswer } from '../../http/stream-answer.js';
import {
  type KeptProfile,
  MAX_HEAP_BYTES,
  PROFILE_SECONDS,
  type RunningProfile,
} from '../../profiling/profiling.js';
import { sumProfile } from '../../profiling/sum-profile.js';
import { sourcesFor } from '../prompt/route.js';
import {
  countOthers,
  type FlameAnswer,
  type FlameFrame,
  type ProfileAnswer,
  type ProfilesAnswer,
  type ProfilesApi,
  whenTraceRan,
} from './query.js';

const MAX_BODY = 4_096;
/** Functions whose place in the source is looked for, those with most self time. */
const MAX_SOURCES = 40;

export const profilesRoutes = defineRoutes<ProfilesApi>({
  'GET profiles': {
    parameters: 'traceId',
    doc: '`ProfilesAnswer`: CPU profiles of the process that serves the page, and whether one can be recorded. `traceId`: only those that were recorded while the trace ran in this process.',
    handle: askProfiles,
  },
  'POST profiles': {
    doc: "Records a CPU profile of this process with V8's profiler: `{ seconds }` (1 to 30, default 10). One at a time (409), 12 an hour (429), not while the event loop is more than 95 % busy (503). The answer is a `RunningProfileAnswer`.",
    handle: start,
  },
  'POST profiles/stop': {
    doc: 'Ends the recording now, and keeps what it has: `{}`. The answer is a `ProfileAnswer`.',
    handle: stop,
  },
  'GET profiles/:id': {
    parameters: 'from&to&traceId',
    doc: '`FlameAnswer`: functions with their self time, below those that called them, of all samples or those of a stretch of time. The last four profiles are kept, in memory.',
    handle: askFlame,
  },
  'GET profiles/:id/cpuprofile': {
    doc: 'The profile as a file `.cpuprofile`, which the developer tools of Chrome and VS Code open.',
    handle: ({ params, profiling }) => profiling.find(params.id ?? '')?.profile,
  },
  'POST heap-snapshot': {
    doc: 'A file `.heapsnapshot` of this process: `{ "confirm": true }`. It contains everything that is in memory, secrets too, and the process stands still meanwhile. One at a time (409), up to 512 MiB of heap (503).',
    handle: takeSnapshot,
  },
});

function whyNoProfiles(context: DashboardContext): string | undefined {
  if (context.config.profiling) return whyNoChanges(context);
  return 'Profiles and heap snapshots are off: dashboard.profiling or TELEMETRY_DASHBOARD_PROFILING is false, as it is by default in production.';
}

/** @throws DashboardError 403 */
function checkMayProfile(context: DashboardContext): void {
  const reason = whyNoProfiles(context);
  if (reason !== undefined) throw new DashboardError(403, reason);
  checkMayChange(context);
}

async function askProfiles(call: ApiCall): Promise<ProfilesAnswer> {
  const { context, profiling, query } = call;
  const traceId = query.text('traceId');
  const { profiles } = profiling;
  // No question to the database where there are no profiles, as nearly always.
  const ran =
    traceId === undefined || profiles.length === 0
      ? undefined
      : await whenTraceRan(call, context.process, traceId);
  const shown =
    traceId === undefined
      ? profiles
      : profiles.filter(({ startedAt, endedAt }) => ran && startedAt < ran.to && endedAt > ran.from);
  return {
    pid: process.pid,
    ...context.process,
    refused: whyNoProfiles(context),
    running: profiling.running,
    profiles: shown.map(toAnswer),
    seconds: PROFILE_SECONDS,
    left: profiling.left(),
    heap: { used: getHeapStatistics().used_heap_size, max: MAX_HEAP_BYTES },
  };
}

async function start({ context, request, profiling }: ApiCall): Promise<RunningProfile> {
  checkMayProfile(context);
  const { seconds = PROFILE_SECONDS.default } = await readFields(request);
  const { min, max } = PROFILE_SECONDS;
  if (typeof seconds !== 'number' || !(seconds >= min && seconds <= max))
    throw badRequest(`seconds must be a number from ${min} to ${max}.`);
  return profiling.start(seconds, readVisitor(request));
}

async function stop({ context, request, profiling }: ApiCall): Promise<ProfileAnswer> {
  checkMayProfile(context);
  await readFields(request);
  return toAnswer(profiling.stop(readVisitor(request)));
}

async function askFlame(call: ApiCall): Promise<FlameAnswer | undefined> {
  const { context, params, profiling, query, reader, work, signal } = call;
  const kept = profiling.find(params.id ?? '');
  if (kept === undefined) return undefined;
  const { from, to } = query.partialRange();
  const { frames, ...summed } = await work(sumProfile(kept, from, to));
  const others =
    from === undefined || to === undefined || context.process === undefined
      ? undefined
      : await countOthers(reader, context.process.service, { from, to }, query.text('traceId'), signal);
  return { profile: toAnswer(kept), ...summed, frames: await withSources(frames, call), others };
}

/** Finds the places of the hottest functions of the application through their source maps. */
async function withSources(frames: readonly FlameFrame[], call: ApiCall): Promise<readonly FlameFrame[]> {
  const readSources = sourcesFor(call);
  const keyOf = ({ file, line, column }: FlameFrame): string => `${file ?? ''}:${line ?? 0}:${column ?? 0}`;
  const places = new Map(
    frames
      .filter(({ origin, line }) => origin === 'own' && line !== undefined)
      .sort((a, b) => b.selfMs - a.selfMs)
      .map((frame) => [
        keyOf(frame),
        { file: frame.file ?? '', line: frame.line ?? 1, column: frame.column ?? 1 },
      ]),
  );
  const asked = [...places].slice(0, MAX_SOURCES);
  const found = (await readSources?.(asked.map(([, place]) => place))) ?? [];
  const sources = new Map(asked.map(([key], index) => [key, found[index]]));
  return frames.map((frame) => {
    const source = sources.get(keyOf(frame));
    return source === undefined ? frame : { ...frame, source: { file: source.file, line: source.line } };
  });
}

async function takeSnapshot({ context, request, profiling }: ApiCall): Promise<object> {
  checkMayProfile(context);
  const { confirm } = await readFields(request);
  if (confirm !== true)
    throw badRequest(
      'Send { "confirm": true }: the process stands still while its heap is written, and the file contains everything that is in memory.',
    );
  const snapshot = profiling.takeSnapshot(readVisitor(request));
  return new StreamAnswer(snapshot, 'application/octet-stream', `heap-${process.pid}.heapsnapshot`);
}

function toAnswer({ id, by, startedAt, endedAt, bytes, profile }: KeptProfile): ProfileAnswer {
  return { id, by, startedAt, endedAt, bytes, samples: profile.samples.length };
}

async function readFields(request: ApiCall['request']): Promise<Readonly<Record<string, unknown>>> {
  const body = await readJson(request, MAX_BODY);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('Send an object.');
  return body as Readonly<Record<string, unknown>>;
}
