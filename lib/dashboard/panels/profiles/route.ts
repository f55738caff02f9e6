import { getHeapStatistics } from 'node:v8';

import { ATTR_SERVICE_INSTANCE_ID } from '../../../config/semantic-conventions.constants.js';
import { checkMayChange, readVisitor, whyNoChanges } from '../../access/may-change.js';
import { type ApiCall, defineRoutes } from '../../api/route.js';
import { type DashboardContext } from '../../dashboard-context.interface.js';
import { badRequest, DashboardError } from '../../http/dashboard-error.js';
import { readJson } from '../../http/read-body.js';
import { StreamAnswer } from '../../http/stream-answer.js';
import { type OtherProfile } from '../../profiling/other-processes.js';
import { type ProcessName } from '../../profiling/process-commands.interface.js';
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
    parameters: 'service&instance&traceId',
    doc: '`ProfilesAnswer`: CPU profiles of the process that serves the page, or of [another one](dashboard.md#profiles) of its store (`service`, `instance`), and whether one can be recorded. `traceId`: only those that were recorded while the trace ran in it; with `service` alone in that of the trace.',
    handle: askProfiles,
  },
  'POST profiles': {
    doc: "Records a CPU profile with V8's profiler: `{ seconds, service, instance }` (1 to 30, default 10; without process: this one). One at a time (409), 12 an hour (429), not while the event loop is more than 95 % busy (503); 409 for a process that cannot be asked, 504 for one that does not answer. The answer is a `RunningProfileAnswer`.",
    handle: start,
  },
  'POST profiles/stop': {
    doc: 'Ends the recording now, and keeps what it has: `{ service, instance }`, or `{}` for the process that serves the page. The answer is a `ProfileAnswer`.',
    handle: stop,
  },
  'GET profiles/:id': {
    parameters: 'from&to&traceId',
    doc: '`FlameAnswer`: functions with their self time, below those that called them, of all samples or those of a stretch of time. The last four profiles of each process are kept: in memory, those of other processes in the store.',
    handle: askFlame,
  },
  'GET profiles/:id/cpuprofile': {
    doc: 'The profile as a file `.cpuprofile`, which the developer tools of Chrome and VS Code open.',
    handle: async (call) => (await findProfile(call))?.recorded.profile,
  },
  'POST heap-snapshot': {
    doc: 'A file `.heapsnapshot` of the process that serves the page, and of no other: `{ "confirm": true }`. It contains everything that is in memory, secrets too, and the process stands still meanwhile. One at a time (409), up to 512 MiB of heap (503).',
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

const NOT_SHARED =
  'Another process can only be asked through the embedded store that it has open, and this page shows a ClickHouse. Open the page of the process itself.';
const NO_SNAPSHOT =
  'A heap snapshot is taken of the process that serves the page only: it is too large for the store. Open the page of the process itself.';

/** @throws DashboardError 403 */
function checkMayProfileItself(context: DashboardContext): void {
  if (context.notProfiled !== undefined) throw new DashboardError(403, context.notProfiled);
}

/** Whether it is the process that serves the page. */
function isOwn({ process: own }: DashboardContext, name: ProcessName): boolean {
  return own?.service === name.service && own.instance === name.instance;
}

async function askProfiles(call: ApiCall): Promise<ProfilesAnswer> {
  const { context, profiling, others, query } = call;
  const traceId = query.text('traceId');
  const asked = await readAsked(call, traceId);
  const own = asked === undefined || isOwn(context, asked);
  const name = asked ?? context.process;
  const stored = name && others?.list(name);
  const profiles = [
    ...(own ? profiling.profiles.map(toAnswer) : []),
    ...(stored?.profiles ?? []).map(toAnswerOfOther),
  ].sort((a, b) => b.endedAt - a.endedAt);
  // No question to the database where there are no profiles, as nearly always.
  const ran =
    traceId === undefined || profiles.length === 0 ? undefined : await whenTraceRan(call, name, traceId);
  const shown =
    traceId === undefined
      ? profiles
      : profiles.filter(({ startedAt, endedAt }) => ran && startedAt < ran.to && endedAt > ran.from);
  const answer = { ...name, running: stored?.running, problem: stored?.problem, profiles: shown };
  const seconds = PROFILE_SECONDS;
  const refused = whyNoProfiles(context);
  if (!own)
    return {
      ...answer,
      own,
      pid: others?.pid(asked),
      refused: refused ?? (others === undefined ? NOT_SHARED : others.refusal(asked)),
      seconds,
      left: stored?.left,
    };
  return {
    ...answer,
    own,
    pid: process.pid,
    refused: refused ?? context.notProfiled,
    running: profiling.running ?? answer.running,
    seconds,
    left: profiling.left(),
    heap: { used: getHeapStatistics().used_heap_size, max: MAX_HEAP_BYTES },
  };
}

/** The process that a question names; undefined where it names none. */
async function readAsked(
  { context, profiling, others, query, reader, signal }: ApiCall,
  traceId: string | undefined,
): Promise<ProcessName | undefined> {
  const service = query.text('service');
  const instance = query.text('instance');
  if (service === undefined) return undefined;
  if (instance !== undefined || traceId === undefined) return { service, instance: instance ?? '' };
  const own = context.process?.instance ?? '';
  // Which process it was matters only where there are profiles.
  if (others === undefined || (profiling.profiles.length === 0 && !others.haveProfiles))
    return { service, instance: own };
  const resources = await reader.resources(traceId, { signal });
  const found = Object.hasOwn(resources, service) && resources[service]?.[ATTR_SERVICE_INSTANCE_ID];
  return { service, instance: typeof found === 'string' ? found : '' };
}

async function start({ context, request, profiling, others }: ApiCall): Promise<RunningProfile> {
  checkMayProfile(context);
  const fields = await readFields(request);
  const { seconds = PROFILE_SECONDS.default } = fields;
  const { min, max } = PROFILE_SECONDS;
  if (typeof seconds !== 'number' || !(seconds >= min && seconds <= max))
    throw badRequest(`seconds must be a number from ${min} to ${max}.`);
  const other = readOther(fields, context);
  const visitor = readVisitor(request);
  if (other !== undefined) return needOthers(others).start(other, seconds, visitor);
  checkMayProfileItself(context);
  return profiling.start(seconds, visitor);
}

async function stop({ context, request, profiling, others }: ApiCall): Promise<ProfileAnswer> {
  checkMayProfile(context);
  const other = readOther(await readFields(request), context);
  const visitor = readVisitor(request);
  if (other !== undefined) return toAnswerOfOther(await needOthers(others).stop(other, visitor));
  const { process: own } = context;
  // The page of another process has asked this one.
  if (profiling.running === undefined && own !== undefined && others?.list(own).running !== undefined)
    return toAnswerOfOther(await others.stop(own, visitor));
  return toAnswer(profiling.stop(visitor));
}

/** The process that the body of a request names; undefined where that is the one that serves the page. @throws DashboardError 400 */
function readOther(
  { service, instance = '' }: Readonly<Record<string, unknown>>,
  context: DashboardContext,
): ProcessName | undefined {
  if (service === undefined && instance === '') return undefined;
  if (typeof service !== 'string' || typeof instance !== 'string')
    throw badRequest(
      'service and instance must be texts: the name of a service, and its service.instance.id.',
    );
  const name = { service, instance };
  return isOwn(context, name) ? undefined : name;
}

/** @throws DashboardError 409 */
function needOthers(others: ApiCall['others']): NonNullable<ApiCall['others']> {
  if (others === undefined) throw new DashboardError(409, NOT_SHARED);
  return others;
}

/** A profile of this process or of another one; undefined where it is gone. */
async function findProfile({ context, params: { id = '' }, profiling, others }: ApiCall) {
  const kept = profiling.find(id);
  if (kept !== undefined) return { recorded: kept, answer: toAnswer(kept), process: context.process };
  const other = others?.find(id);
  if (others === undefined || other === undefined) return undefined;
  return { recorded: await others.load(other), answer: toAnswerOfOther(other), process: other.process };
}

async function askFlame(call: ApiCall): Promise<FlameAnswer | undefined> {
  const { query, reader, work, signal } = call;
  const found = await findProfile(call);
  if (found === undefined) return undefined;
  const { from, to } = query.partialRange();
  const { frames, ...summed } = await work(sumProfile(found.recorded, from, to));
  const others =
    from === undefined || to === undefined || found.process === undefined
      ? undefined
      : await countOthers(reader, found.process.service, { from, to }, query.text('traceId'), signal);
  return { profile: found.answer, ...summed, frames: await withSources(frames, call), others };
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
  checkMayProfileItself(context);
  const fields = await readFields(request);
  if (readOther(fields, context) !== undefined) throw new DashboardError(409, NO_SNAPSHOT);
  const { confirm } = fields;
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

function toAnswerOfOther({ id, by, startedAt, endedAt, bytes, samples }: OtherProfile): ProfileAnswer {
  return { id, by, startedAt, endedAt, bytes, samples };
}

async function readFields(request: ApiCall['request']): Promise<Readonly<Record<string, unknown>>> {
  const body = await readJson(request, MAX_BODY);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('Send an object.');
  return body as Readonly<Record<string, unknown>>;
}
