import { getOrAdd } from '../../../get-or-add.js';
import { targetOf } from './span-target.js';
import type { TraceNode, TraceTree } from './trace-tree.js';

/** All spans of a name that were reached by the same path. */
export interface Frame {
  /** Distinct within the trace. */
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** In how many spans. */
  readonly count: number;
  readonly failed: number;
  /** Milliseconds in which none of their children ran. */
  readonly selfMs: number;
  /** The self time of these spans and of all below: the width of the frame. Spans that ran side by side count each. */
  readonly totalMs: number;
  readonly slowest: TraceNode;
  readonly depth: number;
  readonly parent: Frame | undefined;
  /** The widest first. */
  readonly children: readonly Frame[];
}

/** A frame at its place in the graph. */
export interface PlacedFrame {
  readonly frame: Frame;
  /** Shares of the width. */
  readonly left: number;
  readonly width: number;
}

interface Draft extends Frame {
  count: number;
  failed: number;
  selfMs: number;
  totalMs: number;
  slowest: TraceNode;
  parent: Draft | undefined;
  children: Draft[];
}

/** Deeper frames are in the table only. */
const DEEPEST = 200;

const durationOf = ({ start, end }: TraceNode): number => end - start;

/** Adds up the spans of a trace by name along their path from the root: eight calls of one method are one frame of all their time. */
export function mergeFrames(tree: TraceTree, selfTimeMs: Readonly<Record<string, number>>): readonly Frame[] {
  const frames: Draft[] = [];
  const roots: Draft[] = [];
  const below = new Map<Draft | undefined, Map<string, Draft>>();
  const add = (node: TraceNode, parent: Draft | undefined): Draft => {
    const { span } = node;
    const target = targetOf(span);
    const name = target === undefined ? span.name : `${span.name} ${target}`;
    const siblings = getOrAdd(below, parent, () => new Map<string, Draft>());
    const frame = getOrAdd(siblings, JSON.stringify([span.service, name]), () => {
      const made: Draft = {
        id: `flame-${frames.length}`,
        name,
        service: span.service,
        count: 0,
        failed: 0,
        selfMs: 0,
        totalMs: 0,
        slowest: node,
        depth: parent === undefined ? 0 : parent.depth + 1,
        parent,
        children: [],
      };
      frames.push(made);
      (parent?.children ?? roots).push(made);
      return made;
    });
    frame.count += 1;
    if (span.status === 'error') frame.failed += 1;
    frame.selfMs += selfTimeMs[span.spanId] ?? 0;
    if (durationOf(node) > durationOf(frame.slowest)) frame.slowest = node;
    return frame;
  };
  const open = tree.roots.map((node) => [node, undefined as Draft | undefined] as const);
  for (let next = open.pop(); next; next = open.pop()) {
    const frame = add(...next);
    for (const child of next[0].children) open.push([child, frame]);
  }
  // Frames are listed before those below them.
  for (const frame of frames.reverse()) {
    frame.totalMs += frame.selfMs;
    frame.children.sort(byWidth);
    if (frame.parent) frame.parent.totalMs += frame.totalMs;
  }
  return roots.sort(byWidth);
}

const byWidth = (a: Frame, b: Frame): number => b.totalMs - a.totalMs || a.name.localeCompare(b.name);

const widthOf = (frames: readonly Frame[]): number => frames.reduce((sum, { totalMs }) => sum + totalMs, 0);

/** Places frames and what is below them side by side; those narrower than `leastShare` of the width are left out. */
export function placeFrames(frames: readonly Frame[], leastShare: number): readonly PlacedFrame[] {
  const all = Math.max(widthOf(frames), 0.000_001);
  const placed: PlacedFrame[] = [];
  const open: (readonly [readonly Frame[], number])[] = [[frames, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    let [, left] = next;
    for (const frame of next[0]) {
      const width = frame.totalMs / all;
      // The others are narrower still.
      if (width < leastShare) break;
      placed.push({ frame, left, width });
      if (frame.depth < DEEPEST) open.push([frame.children, left]);
      left += width;
    }
  }
  return placed;
}

/** Every frame, those with most self time first. */
export function rankFrames(frames: readonly Frame[]): readonly Frame[] {
  const all: Frame[] = [];
  const open = [...frames];
  for (let frame = open.pop(); frame; frame = open.pop()) {
    all.push(frame);
    for (const child of frame.children) open.push(child);
  }
  return all.sort((a, b) => b.selfMs - a.selfMs);
}

/** The frame that an arrow key leads to: up to the parent, down to the widest child, left and right along its siblings. */
export function frameBeside(frame: Frame, key: string, roots: readonly Frame[]): Frame | undefined {
  if (key === 'ArrowUp') return frame.parent;
  if (key === 'ArrowDown') return frame.children[0];
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step === undefined) return undefined;
  const siblings = frame.parent?.children ?? roots;
  return siblings[siblings.indexOf(frame) + step];
}
