import type { LogAnswer, SpanAnswer } from '../../../reader/answers.interface.js';
import { severityOf } from '../../../ui/parts/severity.js';
import type { AnalysedTrace } from '../query.js';

/** A span with its place in the trace. */
export interface TraceNode {
  readonly span: SpanAnswer;
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

interface Draft extends Omit<TraceNode, 'children' | 'below' | 'parent'> {
  parent: Draft | undefined;
  children: Draft[];
  below: number;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function selfStretches(
  span: SpanAnswer,
  children: readonly SpanAnswer[],
): readonly (readonly [number, number])[] {
  const stretches: (readonly [number, number])[] = [];
  let at = 0;
  for (const child of children) {
    const from = child.start - span.start;
    if (from > at) stretches.push([at, Math.min(from, span.durationMs)]);
    at = Math.max(at, from + child.durationMs);
    if (at >= span.durationMs) return stretches;
  }
  stretches.push([at, span.durationMs]);
  return stretches;
}

/** Puts spans below their parents, by start; those whose parent is missing stand at the top. A span that is its own ancestor does too. */
export function buildTree({ spans, logs }: AnalysedTrace): TraceTree {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const byStart = [...spans].sort((a, b) => a.start - b.start || b.durationMs - a.durationMs);
  const childrenOf = groupBy(byStart, ({ parentSpanId }) => parentSpanId);
  const logsOf = groupBy(logs, ({ spanId }) => spanId);
  const bySpanId = new Map<string, Draft>();

  const place = (root: SpanAnswer): Draft => {
    const draft = (span: SpanAnswer, parent: Draft | undefined): Draft => {
      const made: Draft = {
        span,
        parent,
        depth: parent ? parent.depth + 1 : 0,
        children: [],
        below: 0,
        orphan: span.parentSpanId !== undefined && !parent,
        self: selfStretches(span, childrenOf.get(span.spanId) ?? []),
        logs: logsOf.get(span.spanId) ?? [],
      };
      bySpanId.set(span.spanId, made);
      return made;
    };
    const top = draft(root, undefined);
    // A list instead of recursion: a trace may be as deep as it is long.
    const open = [top];
    const order: Draft[] = [];
    for (let node = open.pop(); node; node = open.pop()) {
      order.push(node);
      for (const child of childrenOf.get(node.span.spanId) ?? []) {
        if (bySpanId.has(child.spanId)) continue;
        const made = draft(child, node);
        node.children.push(made);
        open.push(made);
      }
    }
    for (const node of order.reverse()) {
      node.below = node.children.reduce((sum, child) => sum + child.below + 1, 0);
    }
    return top;
  };

  const roots = byStart
    .filter(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId))
    .map(place);
  for (const span of byStart) if (!bySpanId.has(span.spanId)) roots.push(place(span));
  const start = byStart[0]?.start ?? 0;
  const end = spans.reduce((max, span) => Math.max(max, span.start + span.durationMs), start);
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
    const told = candidates.find(({ logs }) => logs.some(isError));
    return (told ?? candidates[0])?.span.spanId;
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
  const told = nearest(node, ({ logs }) => logs.filter(isError));
  return [own, told].filter((lines) => lines !== undefined);
}
