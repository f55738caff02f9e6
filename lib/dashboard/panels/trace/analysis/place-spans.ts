import type { SpanAnswer } from '../../../reader/answers/traces.interface.js';

/** A span at its place in its trace. */
export interface PlacedSpan {
  readonly span: SpanAnswer;
  /** undefined for a root, and where the parent is not in the trace. */
  readonly parent: PlacedSpan | undefined;
  /** In the order in which they start. */
  readonly children: readonly PlacedSpan[];
  /** Milliseconds, on the clock of the root's service. */
  readonly start: number;
  readonly end: number;
}

interface Node extends PlacedSpan {
  parent: Node | undefined;
  children: Node[];
  start: number;
  end: number;
}

/**
 * The roots of a trace with everything below them, in the order in which they start. A span whose parent is missing is a root, and so
 * is one of a circle. Clocks of two services differ: what a service did for another is moved to lie within the call, with all below.
 */
export function placeSpans(spans: readonly SpanAnswer[]): readonly PlacedSpan[] {
  const nodes: Node[] = spans.map((span) => ({
    span,
    parent: undefined,
    children: [],
    start: span.start,
    end: span.start + span.durationMs,
  }));
  const byId = new Map<string, Node>();
  for (const node of nodes) if (!byId.has(node.span.spanId)) byId.set(node.span.spanId, node);
  for (const node of nodes) node.parent = byId.get(node.span.parentSpanId ?? '');
  cutCircles(nodes);
  const roots = nodes.filter(({ parent }) => parent === undefined);
  for (const node of nodes) node.parent?.children.push(node);
  for (const root of roots) alignClocks(root);
  const byStart = (a: Node, b: Node): number => a.start - b.start || b.end - a.end;
  for (const node of nodes) node.children.sort(byStart);
  return roots.sort(byStart);
}

/** All spans below a root and the root itself, parents before their children, in the order in which they start. */
export function* walk(root: PlacedSpan): Generator<PlacedSpan> {
  const waiting = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node;
    for (const child of node.children.toReversed()) waiting.push(child);
  }
}

/** Makes a root of one span of each circle. */
function cutCircles(nodes: readonly Node[]): void {
  const settled = new Set<Node>();
  for (const start of nodes) {
    const path = new Set<Node>();
    for (let node: Node | undefined = start; node !== undefined && !settled.has(node); node = node.parent) {
      path.add(node);
      if (node.parent !== undefined && path.has(node.parent)) node.parent = undefined;
    }
    for (const node of path) settled.add(node);
  }
}

function alignClocks(root: Node): void {
  const waiting: [node: Node, shift: number][] = [[root, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [node, inherited] = next;
    node.start += inherited;
    node.end += inherited;
    const shift = inherited + skewOf(node);
    node.start += shift - inherited;
    node.end += shift - inherited;
    for (const child of node.children) waiting.push([child, shift]);
  }
}

/** Of another service, or of another process of the same one: within a process, nothing serves what it asked. */
const isElsewhere = ({ service, kind }: SpanAnswer, parent: SpanAnswer): boolean =>
  service !== parent.service || (kind === 'server' && parent.kind === 'client');

/** By how much a span of another process has to be moved to lie within the span that asked for it. */
function skewOf({ span, parent, start, end }: Node): number {
  if (parent === undefined || !isElsewhere(span, parent.span)) return 0;
  // No caller waits for a message: it may be worked on long after it was sent, but never before.
  if (span.kind === 'consumer' || parent.span.kind === 'producer') return Math.max(0, parent.start - start);
  if (start >= parent.start && end <= parent.end) return 0;
  const slack = parent.end - parent.start - (end - start);
  return slack < 0 ? Math.max(0, parent.start - start) : parent.start + slack / 2 - start;
}

/** Milliseconds of a span in which none of its children ran; what a child does after its parent's end is not its parent's. */
export function selfTimeOf({ start, end, children }: PlacedSpan): number {
  let covered = 0;
  let until = start;
  // Children come in the order in which they start.
  for (const child of children) {
    const from = Math.max(child.start, until);
    const to = Math.min(child.end, end);
    if (to <= from) continue;
    covered += to - from;
    until = to;
  }
  return Math.max(0, end - start - covered);
}

/**
 * The spans that the end of `root` waited for, parents before their children, in the order in which they start: from the end backwards,
 * always the child that ended last. Making any other span faster would not have made the root faster.
 */
export function findCriticalPath(root: PlacedSpan): readonly PlacedSpan[] {
  const path: PlacedSpan[] = [];
  const waiting: [span: PlacedSpan, until: number][] = [[root, root.end]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [span, until] = next;
    path.push(span);
    // The latest is pushed first, and so is popped last.
    waiting.push(...blockersOf(span, until));
  }
  return path;
}

/** Children that blocked their parent before `until`, the latest first, each with the end of that block. */
function blockersOf(span: PlacedSpan, until: number): [PlacedSpan, number][] {
  const blockers: [PlacedSpan, number][] = [];
  let cursor = Math.min(span.end, until);
  const endOf = (child: PlacedSpan): number => Math.min(child.end, span.end);
  for (const child of [...span.children].sort((a, b) => endOf(b) - endOf(a))) {
    // It ended while the one after it was running, which did therefore not wait for it.
    if (endOf(child) > cursor || child.start >= cursor) continue;
    blockers.push([child, endOf(child)]);
    cursor = child.start;
  }
  return blockers;
}

/** The root that the trace is about: the one that takes longest. */
export function mainRootOf(roots: readonly PlacedSpan[]): PlacedSpan | undefined {
  return roots.reduce<PlacedSpan | undefined>(
    (longest, root) =>
      longest === undefined || root.end - root.start > longest.end - longest.start ? root : longest,
    undefined,
  );
}
