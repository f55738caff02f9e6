import { getOrAdd } from '../../../get-or-add.js';
import { byWidth, type FlameFrame } from '../../../ui/parts/flame-layout.js';
import { targetOf } from './span-target.js';
import type { TraceNode, TraceTree } from './trace-tree.js';

/** All spans of a name that were reached by the same path. Spans that ran side by side count each. */
export interface Frame extends FlameFrame<Frame> {
  readonly service: string;
  /** In how many spans. */
  readonly count: number;
  readonly failed: number;
  readonly slowest: TraceNode;
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
