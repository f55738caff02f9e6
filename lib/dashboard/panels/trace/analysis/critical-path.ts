import { type PlacedSpan } from './place-spans.js';

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

/** Children that held up their parent before `until`, the latest first, each with the instant up to which it did. */
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
