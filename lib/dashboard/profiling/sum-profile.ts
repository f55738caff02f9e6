import { type Steps, TimeSlice } from '../steps.js';
import { type CpuNode, type RecordedProfile } from './record-cpu.js';
import { type CpuFrame, type FrameOrigin, type SummedProfile } from './summed-profile.interface.js';

const MAX_FRAMES = 3_000;
const MAX_NAME = 200;
const MAX_FILE = 500;
const SLICE = 2_000;

interface Draft {
  readonly node: CpuNode;
  readonly parent: Draft | undefined;
  readonly depth: number;
  selfMs: number;
  totalMs: number;
}

/** Adds up the samples from one instant to another. Instants are milliseconds since the epoch. */
export function* sumProfile(
  { profile, startedAt }: RecordedProfile,
  from = -Infinity,
  to = Infinity,
): Steps<SummedProfile> {
  const { nodes, samples, timeDeltas, startTime, endTime } = profile;
  const drafts = placeNodes(nodes);
  const idle = new Set(
    nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id),
  );
  const turn = new TimeSlice();
  let [busyMs, idleMs, counted] = [0, 0, 0];
  // A sample stands for the time up to the next.
  let begin = startedAt + (timeDeltas[0] ?? 0) / 1_000;
  const last = startedAt + (endTime - startTime) / 1_000;
  for (const [index, id] of samples.entries()) {
    const next = index + 1 < samples.length ? begin + (timeDeltas[index + 1] ?? 0) / 1_000 : last;
    const ms = Math.min(next, to) - Math.max(begin, from);
    begin = next;
    if (index % SLICE === SLICE - 1 && turn.isOverNow()) yield* turn.pass();
    if (!(ms > 0)) continue;
    if (idle.has(id)) {
      idleMs += ms;
      continue;
    }
    const draft = drafts.get(id);
    if (draft === undefined) continue;
    draft.selfMs += ms;
    busyMs += ms;
    counted += 1;
  }
  const ran = [...drafts.values()];
  // Callers come before what they called.
  for (const draft of ran.toReversed()) {
    draft.totalMs += draft.selfMs;
    if (draft.parent) draft.parent.totalMs += draft.totalMs;
  }
  yield;
  const kept = ran
    .filter(({ totalMs }) => totalMs > 0)
    .sort((a, b) => b.totalMs - a.totalMs || a.depth - b.depth);
  const left = kept.splice(MAX_FRAMES);
  // The smallest first: a caller is never smaller than what it called.
  for (const draft of left.toReversed()) if (draft.parent) draft.parent.selfMs += draft.selfMs;
  const places = new Map(kept.map((draft, index) => [draft, index]));
  const frames = kept.map((draft) => frameOf(draft, draft.parent && places.get(draft.parent)));
  return { frames, leftOut: left.length, busyMs, idleMs, samples: counted };
}

/** Nodes by their id, callers first, without the root. */
function placeNodes(nodes: readonly CpuNode[]): ReadonlyMap<number, Draft> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const placed = new Map<number, Draft>();
  const [root] = nodes;
  const open = (root?.children ?? []).map((id) => ({ id, parent: undefined as Draft | undefined }));
  for (let next = open.shift(); next; next = open.shift()) {
    const node = byId.get(next.id);
    if (node === undefined || placed.has(next.id)) continue;
    const depth = next.parent === undefined ? 0 : next.parent.depth + 1;
    const draft: Draft = { node, parent: next.parent, depth, selfMs: 0, totalMs: 0 };
    placed.set(next.id, draft);
    for (const id of node.children ?? []) open.push({ id, parent: draft });
  }
  return placed;
}

function frameOf({ node: { callFrame }, selfMs }: Draft, parent: number | undefined): CpuFrame {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  return {
    name: functionName === '' ? '(anonymous)' : functionName.slice(0, MAX_NAME),
    origin: originOf(url),
    file: url === '' ? undefined : url.slice(0, MAX_FILE),
    line: url === '' || lineNumber < 0 ? undefined : lineNumber + 1,
    column: url === '' || columnNumber < 0 ? undefined : columnNumber + 1,
    parent,
    selfMs,
  };
}

function originOf(url: string): FrameOrigin {
  if (url === '') return 'native';
  if (url.startsWith('node:')) return 'node';
  return /[\\/]node_modules[\\/]/.test(url) ? 'library' : 'own';
}
