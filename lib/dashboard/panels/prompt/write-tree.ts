import { hostOf } from '../../reader/host-of.js';
import { type TraceAnalysis } from '../trace/analysis/analyse-trace.js';
import { type PlacedSpan } from '../trace/analysis/place-spans.js';
import { cutText, durationOf } from './markdown.js';

/** Deeper spans are not indented further. */
const MAX_INDENT = 20;
const MAX_NAME = 120;

/** A row of the tree: a span, or spans without children that have the same name in a row. */
interface Row {
  readonly nodes: readonly [PlacedSpan, ...PlacedSpan[]];
  readonly depth: number;
}

/**
 * The spans of a trace as an indented tree: duration, self time where it is less, the service where it changes, `!` for a failed one. Spans
 * without children that repeat in a row are one line.
 */
export function* writeTree(
  roots: readonly PlacedSpan[],
  { selfTimeMs }: Pick<TraceAnalysis, 'selfTimeMs'>,
): Generator<string> {
  const waiting: Row[] = rowsOf(roots, 0).toReversed();
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    yield describe(row, selfTimeMs);
    waiting.push(...rowsOf(row.nodes[0].children, row.depth + 1).toReversed());
  }
}

function rowsOf(nodes: readonly PlacedSpan[], depth: number): Row[] {
  const rows: { nodes: [PlacedSpan, ...PlacedSpan[]]; depth: number }[] = [];
  for (const node of nodes) {
    const last = rows.at(-1);
    if (last !== undefined && isAlike(last.nodes[0], node)) last.nodes.push(node);
    else rows.push({ nodes: [node], depth });
  }
  return rows;
}

function isAlike(a: PlacedSpan, b: PlacedSpan): boolean {
  return (
    a.children.length === 0 &&
    b.children.length === 0 &&
    a.span.name === b.span.name &&
    a.span.service === b.span.service &&
    a.span.status === b.span.status
  );
}

function describe({ nodes, depth }: Row, selfTimeMs: TraceAnalysis['selfTimeMs']): string {
  const [{ span, parent, children }] = nodes;
  const total = nodes.reduce((sum, node) => sum + node.span.durationMs, 0);
  const self = selfTimeMs[span.spanId];
  const host = hostOf(span);
  const parts = [
    '  '.repeat(Math.min(depth, MAX_INDENT)),
    span.status === 'error' ? '! ' : '',
    cutText(span.name.replace(/\s+/g, ' '), MAX_NAME),
    host === undefined ? '' : ` · ${cutText(host, MAX_NAME)}`,
    nodes.length > 1 ? ` ×${nodes.length}` : '',
    ` ${durationOf(total)}`,
    children.length > 0 && self !== undefined ? ` (self ${durationOf(self)})` : '',
    parent?.span.service === span.service ? '' : ` [${cutText(span.service, MAX_NAME)}]`,
  ];
  return parts.join('');
}
