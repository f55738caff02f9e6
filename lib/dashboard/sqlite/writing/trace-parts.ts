import { getOrAdd } from '../../get-or-add.js';
import { MINUTE_MS } from '../encoding/buckets.js';
import { type StoredSpan } from '../rows.interface.js';
import { type WrittenSpan } from './failed-work.js';
import { type Operation, type OperationSums } from './operation-sums.js';
import { hasParent, isEntry } from './span-writer.js';

/** Parts of traces whose first span may still come, and spans that wait for their parent; the oldest are forgotten. */
const MAX_OPEN = 1_000;
const MAX_WAITING = 20_000;
/** Among so few spans, looking for one is faster than an index. */
const FEW = 16;

/** When something ran, in microseconds. */
interface Interval {
  start: number;
  end: number;
}

/** What one process has written of a trace, while more of it may come. */
class TracePart {
  /** Those that were counted in it. */
  readonly operations = new Set<Operation>();
  /** When children ran that ended before their parent, by the parent. */
  private readonly waiting = new Map<number, Interval[]>();
  size = 0;

  constructor(public start: number) {}

  wait({ parentHigh, parentLow, start, duration }: StoredSpan): void {
    const intervals = getOrAdd(this.waiting, keyOf(parentHigh, parentLow), () => []);
    const last = intervals.at(-1);
    const end = start + duration;
    if (last !== undefined && start <= last.end && end >= last.start) {
      last.start = Math.min(last.start, start);
      last.end = Math.max(last.end, end);
    } else {
      intervals.push({ start, end });
      this.size += 1;
    }
  }

  /** Undefined for none. */
  takeChildren({ idHigh, idLow }: StoredSpan): readonly Interval[] | undefined {
    const key = keyOf(idHigh, idLow);
    const intervals = this.waiting.get(key);
    if (intervals === undefined) return undefined;
    this.waiting.delete(key);
    this.size -= intervals.length;
    return intervals;
  }
}

/** Of an id of 64 bits those 53 that fit into a number: nearly unique among the spans of a trace. */
function keyOf(high: number, low: number): number {
  return (high & 0x1f_ffff) * 2 ** 32 + (low >>> 0);
}

/**
 * Finds out how long spans ran while none of their children did, and in how many traces an operation is, of what one process writes of a
 * trace.
 *
 * Spans come when they end, children before their parent: they wait until it comes. One that ends after its parent counts by itself, but
 * the time of the parent is not less for it. What enters a service is no child: a call lasts until it is answered, wherever that happens.
 */
export class TraceParts {
  /** By the number of the trace. */
  private readonly open = new Map<number, TracePart>();
  private waiting = 0;
  private groups = 0;

  constructor(private readonly sums: OperationSums) {}

  /** Takes spans that are there for good. */
  take(written: readonly WrittenSpan[]): void {
    for (let from = 0; from < written.length;) {
      // The spans of a trace stand together.
      const trace = written[from]?.trace ?? 0;
      let to = from + 1;
      while (written[to]?.trace === trace) to += 1;
      this.takeGroup(trace, written.slice(from, to));
      from = to;
    }
  }

  private takeGroup(trace: number, group: readonly WrittenSpan[]): void {
    const before = this.open.get(trace);
    let start = before?.start ?? Infinity;
    for (const { span } of group) start = Math.min(start, span.start);
    let part = before;
    if (part !== undefined) {
      part.start = start;
      this.waiting -= part.size;
    }
    const tree = new Children(group);
    let isWhole = false;
    for (const { span } of group)
      if (!isChild(span)) isWhole = true;
      else if (!tree.add(span)) (part ??= new TracePart(start)).wait(span);
    this.addUp(group, start, tree, part);
    if (part === undefined) return;
    if (isWhole && part.size === 0) this.open.delete(trace);
    else this.keep(trace, part);
  }

  private addUp(
    group: readonly WrittenSpan[],
    start: number,
    tree: Children,
    part: TracePart | undefined,
  ): void {
    const slot = Math.floor(start / 1_000 / MINUTE_MS) * MINUTE_MS;
    this.groups += 1;
    for (const { span } of group) {
      const operation = this.sums.find(span);
      const earlier = part?.takeChildren(span);
      if (operation === undefined) continue;
      const isFirst = operation.metIn !== this.groups && part?.operations.has(operation) !== true;
      operation.metIn = this.groups;
      part?.operations.add(operation);
      const selfTime = selfTimeOf(span, tree.of(span), earlier);
      this.sums.add(operation, slot, span, selfTime, isFirst);
    }
  }

  private keep(trace: number, part: TracePart): void {
    this.open.set(trace, part);
    this.waiting += part.size;
    for (const [oldest, { size }] of this.open) {
      if (this.open.size <= MAX_OPEN && this.waiting <= MAX_WAITING) return;
      this.open.delete(oldest);
      this.waiting -= size;
    }
  }
}

/** Which spans of a group are inside of which. */
class Children {
  /** Undefined where the group is looked through. */
  private readonly byParent: Map<number, StoredSpan[]> | undefined;

  constructor(private readonly group: readonly WrittenSpan[]) {
    if (group.length <= FEW) return;
    this.byParent = new Map(group.map(({ span }) => [keyOf(span.idHigh, span.idLow), []]));
  }

  /** Returns whether the parent is in the group. */
  add(child: StoredSpan): boolean {
    if (this.byParent === undefined) {
      for (const { span } of this.group) if (isParentOf(span, child)) return true;
      return false;
    }
    const children = this.byParent.get(keyOf(child.parentHigh, child.parentLow));
    children?.push(child);
    return children !== undefined;
  }

  /** Undefined for none. */
  of(parent: StoredSpan): readonly StoredSpan[] | undefined {
    if (this.byParent !== undefined) return this.byParent.get(keyOf(parent.idHigh, parent.idLow));
    let children: StoredSpan[] | undefined;
    for (const { span } of this.group)
      if (isParentOf(parent, span) && isChild(span)) (children ??= []).push(span);
    return children;
  }
}

/** What enters a service is no child. */
function isChild(span: StoredSpan): boolean {
  return hasParent(span) && !isEntry(span);
}

function isParentOf(parent: StoredSpan, child: StoredSpan): boolean {
  return parent.idLow === child.parentLow && parent.idHigh === child.parentHigh && parent !== child;
}

/** How long a span ran while none of its children did. A child counts only within the time of its parent. */
function selfTimeOf(
  span: StoredSpan,
  children: readonly StoredSpan[] | undefined,
  earlier: readonly Interval[] | undefined,
): number {
  if (children === undefined && earlier === undefined) return span.duration;
  const intervals = [...(earlier ?? []), ...(children ?? []).map(intervalOf)];
  if (intervals.length > 1) intervals.sort((a, b) => a.start - b.start);
  const { end } = intervalOf(span);
  let covered = 0;
  let until = span.start;
  for (const child of intervals) {
    const from = Math.max(until, child.start);
    const to = Math.min(end, child.end);
    if (to <= from) continue;
    covered += to - from;
    until = to;
  }
  return Math.max(0, span.duration - covered);
}

function intervalOf({ start, duration }: StoredSpan): Interval {
  return { start, end: start + duration };
}
