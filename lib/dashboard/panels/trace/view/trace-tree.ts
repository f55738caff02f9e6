import { getOrAdd } from '../../../get-or-add.js';
import type { LogAnswer } from '../../../reader/answers/logs.interface.js';
import { severityOf } from '../../../ui/parts/severity.js';
import { type PlacedSpan, placeSpans } from '../analysis/place-spans.js';
import type { AnalysedTrace } from '../query.js';

/** A span with its place in the trace; `start` and `end` are on the clock of the root's service. */
export interface TraceNode extends PlacedSpan {
  readonly depth: number;
  readonly parent: TraceNode | undefined;
  readonly children: readonly TraceNode[];
  /** Spans below it, all levels. */
  readonly below: number;
  /** Its parent has not arrived, or never will. */
  readonly orphan: boolean;
  /** Stretches in which none of its children ran, in milliseconds from its start. */
  readonly self: readonly (readonly [from: number, to: number])[];
  readonly logs: readonly LogAnswer[];
}

export interface TraceTree {
  readonly roots: readonly TraceNode[];
  readonly bySpanId: ReadonlyMap<string, TraceNode>;
  readonly start: number;
  readonly durationMs: number;
}

interface Draft extends TraceNode {
  parent: Draft | undefined;
  children: Draft[];
  below: number;
}

function selfStretches({ start, end, children }: PlacedSpan): readonly (readonly [number, number])[] {
  const stretches: (readonly [number, number])[] = [];
  let at = start;
  for (const child of children) {
    if (child.start > at) stretches.push([at - start, Math.min(child.start, end) - start]);
    at = Math.max(at, child.end);
    if (at >= end) return stretches;
  }
  stretches.push([at - start, end - start]);
  return stretches;
}

function groupBySpan(logs: readonly LogAnswer[]): ReadonlyMap<string | undefined, readonly LogAnswer[]> {
  const groups = new Map<string | undefined, LogAnswer[]>();
  for (const log of logs) getOrAdd(groups, log.spanId, () => []).push(log);
  return groups;
}

/** The spans below their parents, by start. A span whose parent is missing, or that is its own ancestor, is at the top. */
export function buildTree({ spans, logs }: AnalysedTrace): TraceTree {
  const logsOf = groupBySpan(logs);
  const bySpanId = new Map<string, Draft>();
  const draft = (placed: PlacedSpan, parent: Draft | undefined): Draft => {
    const made: Draft = {
      ...placed,
      parent,
      depth: parent ? parent.depth + 1 : 0,
      children: [],
      below: 0,
      orphan: placed.span.parentSpanId !== undefined && !parent,
      self: selfStretches(placed),
      logs: logsOf.get(placed.span.spanId) ?? [],
    };
    bySpanId.set(placed.span.spanId, made);
    parent?.children.push(made);
    return made;
  };
  // A span that was sent twice counts once.
  const placedRoots = placeSpans([...new Map(spans.map((span) => [span.spanId, span])).values()]);
  const roots = placedRoots.map((placed) => draft(placed, undefined));
  // A list instead of recursion: a trace may be as deep as it is long.
  const open = placedRoots.map((placed, index) => [placed, roots[index]] as const);
  const order = [...roots];
  for (let next = open.pop(); next; next = open.pop()) {
    const [placed, node] = next;
    for (const child of placed.children) {
      const made = draft(child, node);
      order.push(made);
      open.push([child, made]);
    }
  }
  for (const { parent, below } of order.reverse()) if (parent) parent.below += below + 1;
  const nodes = [...bySpanId.values()];
  const start = nodes.reduce((least, node) => Math.min(least, node.start), Infinity);
  const end = nodes.reduce((most, node) => Math.max(most, node.end), -Infinity);
  return { roots, bySpanId, start, durationMs: Math.max(end - start, 0.001) };
}

/** The rows to show, top to bottom, without what is below collapsed spans. */
export function visibleRows(tree: TraceTree, collapsed: ReadonlySet<string>): readonly TraceNode[] {
  const rows: TraceNode[] = [];
  const open = [...tree.roots].reverse();
  for (let node = open.pop(); node; node = open.pop()) {
    rows.push(node);
    if (collapsed.has(node.span.spanId)) continue;
    for (let at = node.children.length - 1; at >= 0; at -= 1) {
      const child = node.children[at];
      if (child) open.push(child);
    }
  }
  return rows;
}

/** Spans that have a text in their name, service, status or attributes, in the order of the waterfall; none for no text. */
export function findSpans(tree: TraceTree, text: string): readonly TraceNode[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  return visibleRows(tree, new Set()).filter(({ span }) =>
    `${span.name} ${span.service} ${span.statusMessage ?? ''} ${JSON.stringify(span.attributes)}`
      .toLowerCase()
      .includes(wanted),
  );
}

const isAbove = (ancestor: string, node: TraceNode): boolean => {
  for (let at: TraceNode | undefined = node; at; at = at.parent) if (at.span.spanId === ancestor) return true;
  return false;
};

/**
 * The span a reader most likely came for: below `near`, where the failure began (one that has an error in its logs first), else where the
 * most time went.
 */
export function spanWorthALook(
  trace: AnalysedTrace,
  tree: TraceTree,
  near: string | null,
): string | undefined {
  const all = [...tree.bySpanId.values()];
  const below = near === null || !tree.bySpanId.has(near) ? all : all.filter((node) => isAbove(near, node));
  const failed = (node: TraceNode): boolean => node.span.status === 'error';
  const origins = (nodes: readonly TraceNode[]): readonly TraceNode[] =>
    nodes.filter((node) => failed(node) && !node.children.some(failed));
  const candidates = origins(below).length > 0 ? origins(below) : near === null ? origins(all) : [];
  if (candidates.length > 0) {
    const logged = candidates.find(({ logs }) => logs.some(isError));
    return (logged ?? candidates[0])?.span.spanId;
  }
  const { selfTimeMs } = trace.analysis;
  const slowest = below.reduce<TraceNode | undefined>(
    (best, node) =>
      (selfTimeMs[node.span.spanId] ?? 0) > (best ? (selfTimeMs[best.span.spanId] ?? 0) : -1) ? node : best,
    undefined,
  );
  return slowest?.span.spanId;
}

/** Lines, and the span that wrote them. */
export interface LogsOfSpan {
  readonly of: TraceNode;
  readonly logs: readonly LogAnswer[];
}

const isError = ({ level }: LogAnswer): boolean => severityOf(level) >= severityOf('error');

function nearest(node: TraceNode, linesOf: (at: TraceNode) => readonly LogAnswer[]): LogsOfSpan | undefined {
  for (let at: TraceNode | undefined = node; at; at = at.parent) {
    const logs = linesOf(at);
    if (logs.length > 0) return { of: at, logs };
  }
  return undefined;
}

/**
 * The logs of a span, or, where it wrote none, of the nearest span around it that did. For a span that failed, and whose failure was told
 * further out, the nearest error log too.
 */
export function logsAround(node: TraceNode): readonly LogsOfSpan[] {
  const own = nearest(node, ({ logs }) => logs);
  if (node.span.status !== 'error' || own?.logs.some(isError)) return own ? [own] : [];
  const failure = nearest(node, ({ logs }) => logs.filter(isError));
  return [own, failure].filter((lines) => lines !== undefined);
}
