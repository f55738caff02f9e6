import { formatDuration } from '../../../ui/format.js';
import type { TraceNode } from './trace-tree.js';

/** Clocks are not more precise than this, in milliseconds, nor are times in the page. */
const PRECISION_MS = 0.01;

const shiftOf = ({ start, span }: TraceNode): number => start - span.start;

/** Where a span is drawn at another time than it was recorded, what was moved and why; undefined for what moved along with its parent. */
export function describeShift(node: TraceNode): string | undefined {
  const { parent, span } = node;
  if (!parent || Math.abs(shiftOf(node) - shiftOf(parent)) < PRECISION_MS) return undefined;
  const shift = shiftOf(node);
  const moved = `${formatDuration(Math.abs(shift))} ${shift < 0 ? 'earlier' : 'later'}`;
  return `The clock of ${span.service} differs from that of its caller: this span and all below are drawn ${moved} than they were recorded, within the call.`;
}

/** Where a span ended after the span that began it, by how much. */
export function describeOverrun({ parent, end }: TraceNode): string | undefined {
  if (!parent || end - parent.end < PRECISION_MS) return undefined;
  return `It ended ${formatDuration(end - parent.end)} after its parent, which did not wait for it.`;
}
