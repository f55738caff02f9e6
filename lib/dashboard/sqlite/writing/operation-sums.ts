import { getOrAdd } from '../../get-or-add.js';
import { type OperationKind } from '../../reader/answers/operations.interface.js';
import { nameOperation, type OperationName, OTHER_OPERATIONS } from '../../reader/sum-operations.js';
import { type Database } from '../database/database.js';
import { BucketCounts } from '../encoding/bucket-counts.js';
import { OPERATION_SLOTS_MS, OPERATION_SUMS_LATE_MS, valueBucket } from '../encoding/buckets.js';
import { textAt } from '../encoding/json-text.js';
import { SPAN_KIND_NAMES, SPAN_STATUS, type StoredResource, type StoredSpan } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';
import { hasParent } from './span-writer.js';

/** Operations that are added up by themselves. Names that are made up per call must not grow them: those beyond are `(other)`. */
const MAX_OPERATIONS = 1_000;
/** With `(other)` of each kind and service. */
const MAX_ALL = 1_500;
/** Names in the store, of all processes; the next are `(other)` until older ones are evicted. */
const MAX_STORED = 5_000;
/** Sums that wait, where clocks are wrong: the spans of those beyond are not counted. With half of them none waits longer. */
const MAX_WAITING = 20_000;
const HURRY_AT = MAX_WAITING / 2;
/** How precise "last seen" of an operation is. */
const SEEN_EVERY_MS = 30_000;

/** What the spans of an operation did in one slot of time. Durations are microseconds. */
class OperationSum {
  count = 0;
  errors = 0;
  /** Parts of traces that have it; see `TraceParts`. */
  traces = 0;
  selfTime = 0;
  total = 0;
  longest = 0;
  readonly buckets = new BucketCounts();

  constructor(readonly slot: number) {}

  add({ duration, status, weight = 1 }: StoredSpan, selfTime: number, isFirst: boolean): void {
    this.count += weight;
    if (status === SPAN_STATUS.error) this.errors += weight;
    if (isFirst) this.traces += weight;
    this.selfTime += selfTime * weight;
    this.total += duration * weight;
    if (duration > this.longest) this.longest = duration;
    this.buckets.add(valueBucket(duration), weight);
  }

  addSum(sum: OperationSum): void {
    this.count += sum.count;
    this.errors += sum.errors;
    this.traces += sum.traces;
    this.selfTime += sum.selfTime;
    this.total += sum.total;
    if (sum.longest > this.longest) this.longest = sum.longest;
    this.buckets.addAll(sum.buckets);
  }
}

/** A sum that is written again as long as its slot lasts. Each process has its own row, as in `Rollups`. */
class StoredSum extends OperationSum {
  /** Since when it waits to be written, by `performance.now()`: coarse ones begin later. */
  dirtySince = Infinity;
  isWritten = false;
  readonly part = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);

  constructor(
    readonly level: number,
    slot: number,
  ) {
    super(slot);
  }
}

const INSERT = `INSERT OR REPLACE INTO operation_sums
  (level, slot, operation, part, count, errors, traces, self_time, total, longest, buckets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** An operation of a service, with its sums in memory. */
export class Operation {
  /** The last group of spans in which it was met; see `TraceParts`. */
  metIn = 0;
  /** Its number in the store; undefined: it is not known, or not known to be there still. */
  id: number | undefined;
  /** When it was noted in the store that it is seen, in milliseconds. */
  notedAt = 0;
  /** When the first span came that waits, by `performance.now()`. */
  private waitingSince = Infinity;
  /** Since when stored sums wait to be written again. */
  private dirtySince = Infinity;
  /** What came since the last write, by its slot of the finest level. */
  private readonly waiting = new Map<number, OperationSum>();
  private current: OperationSum | undefined;
  private readonly stored = new Map<string, StoredSum>();

  /** @param forget removes it from where it is found */
  constructor(
    readonly resource: StoredResource,
    readonly named: OperationName,
    readonly forget: () => void,
  ) {}

  /** Whether there is something to write that changed up to then. */
  isDue(since: number): boolean {
    const first = Math.min(this.waitingSince, this.dirtySince);
    return first <= since && first !== Infinity;
  }

  /** What waits of a slot; undefined where nothing does yet. */
  waitingAt(slot: number): OperationSum | undefined {
    return this.current?.slot === slot ? this.current : (this.current = this.waiting.get(slot));
  }

  beginAt(slot: number): OperationSum {
    if (this.waiting.size === 0) this.waitingSince = performance.now();
    this.current = new OperationSum(slot);
    this.waiting.set(slot, this.current);
    return this.current;
  }

  /** Adds what waits to the sums of all levels; returns of how many slots it was. */
  fold(): number {
    const folded = this.waiting.size;
    for (const sum of this.waiting.values())
      for (const [level, length] of OPERATION_SLOTS_MS.entries()) {
        const slot = Math.floor(sum.slot / length) * length;
        const stored = getOrAdd(this.stored, `${level} ${slot}`, () => new StoredSum(level, slot));
        stored.addSum(sum);
        stored.dirtySince = Math.min(stored.dirtySince, this.waitingSince + (LATER_MS[level] ?? 0));
        this.dirtySince = Math.min(this.dirtySince, stored.dirtySince);
      }
    this.waiting.clear();
    this.waitingSince = Infinity;
    this.current = undefined;
    return folded;
  }

  write(database: Database, id: number, since: number): void {
    for (const sum of this.stored.values()) {
      sum.isWritten = sum.dirtySince <= since && sum.dirtySince !== Infinity;
      if (!sum.isWritten) continue;
      const { level, slot, part, count, errors, traces, selfTime, total, longest, buckets } = sum;
      const times = [selfTime, total, longest].map(toStoredTime);
      database.run(INSERT, level, slot, id, part, count, errors, traces, ...times, buckets.encode());
    }
  }

  /** Forgets what the store has deleted. */
  beginAnew(): void {
    this.stored.clear();
  }

  settle(): void {
    this.dirtySince = Infinity;
    for (const sum of this.stored.values()) {
      if (sum.isWritten) sum.dirtySince = Infinity;
      this.dirtySince = Math.min(this.dirtySince, sum.dirtySince);
    }
  }

  /** Forgets slots that are over, and those of clocks that are ahead: they would never be over. Returns whether nothing is left. */
  forgetSlots(now: number): boolean {
    for (const [key, { dirtySince, slot, level }] of this.stored)
      if (dirtySince === Infinity && Math.abs(now - slot) > 2 * (OPERATION_SLOTS_MS[level] ?? 0))
        this.stored.delete(key);
    return this.stored.size === 0 && this.waiting.size === 0;
  }
}

/** How much later those of each level are written than those of the finest. */
const LATER_MS = OPERATION_SUMS_LATE_MS.map((late) => late - OPERATION_SUMS_LATE_MS[0]);

/** Beyond, JavaScript cannot read a number back. */
function toStoredTime(time: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.round(time));
}

/** The operations of a service. */
class ServiceOperations {
  /** By the name of their spans, which alone distinguishes them. */
  readonly requests = new Map<string, Operation>();
  readonly jobs = new Map<string, Operation>();
  readonly methods = new Map<string, Operation>();
  /** By kind, target and name. */
  readonly others = new Map<string, Operation>();
}

const FIND = 'SELECT id FROM operations WHERE service = ? AND kind = ? AND name = ? AND target = ?';
const COUNT = 'SELECT count(*) AS count FROM operations';
const NOTE = 'UPDATE operations SET last_seen = ? WHERE id = ?';
const PUT = `INSERT INTO operations (service, kind, name, target, attribute, last_seen) VALUES (?, ?, ?, ?, ?, ?)
  RETURNING id`;

/** Adds up spans by operation and time, so that what took the time is known of all of them, also of those that are evicted. */
export class OperationSums {
  private services = new Map<string, ServiceOperations>();
  private readonly ofResource = new WeakMap<StoredResource, ServiceOperations>();
  /** Most spans are of the resource of the one before. */
  private last: { readonly resource: StoredResource; readonly operations: ServiceOperations } | undefined;
  private readonly all = new Set<Operation>();
  /** Sums that wait. */
  private waiting = 0;
  /** How many names are stored; undefined: to be counted. */
  private storedNames: number | undefined;

  /** Which operation a span is; undefined where there are too many. */
  find(span: StoredSpan): Operation | undefined {
    const { resource, name } = span;
    const { requests, methods, jobs, others } = this.operationsOf(resource);
    const kind = SPAN_KIND_NAMES[span.kind] ?? 'internal';
    const isChild = hasParent(span);
    // Most spans: no attribute is read, and no key is made.
    const byName = kind === 'server' ? requests : kind !== 'internal' ? undefined : isChild ? methods : jobs;
    const known = byName?.get(name);
    if (known !== undefined) return known;
    const named = nameOperation({
      name,
      kind,
      hasParent: isChild,
      textAt: (key) => textAt(span.attributes, key),
    });
    return byName === undefined
      ? this.getOrAdd(resource, others, keyOf(named), named)
      : this.getOrAdd(resource, byName, name, named);
  }

  /**
   * Adds a span of that operation.
   *
   * @param slot of the finest level, to which its trace belongs
   * @param selfTime microseconds
   * @param isFirst whether its part of the trace had none before
   */
  add(operation: Operation, slot: number, span: StoredSpan, selfTime: number, isFirst: boolean): void {
    let sum = operation.waitingAt(slot);
    if (sum === undefined) {
      if (this.waiting >= MAX_WAITING) return;
      this.waiting += 1;
      sum = operation.beginAt(slot);
    }
    sum.add(span, selfTime, isFirst);
  }

  /** Whether there is something to write that changed up to then, by `performance.now()`. */
  isDirty(since: number): boolean {
    if (this.waiting >= HURRY_AT) return true;
    for (const operation of this.all) if (operation.isDue(since)) return true;
    return false;
  }

  /** Writes what changed up to then until time is up. Returns what to `settle()` when it is there for good. */
  write(
    database: Database,
    dictionaries: Dictionaries,
    now: number,
    since: number,
    isTimeUp: () => boolean,
  ): readonly Operation[] {
    const written: Operation[] = [];
    const until = this.waiting >= HURRY_AT ? Infinity : since;
    this.storedNames = undefined;
    for (const operation of this.all) {
      if (!operation.isDue(until)) continue;
      if (isTimeUp()) break;
      const id = this.idOf(operation, database, dictionaries, now);
      this.waiting -= operation.fold();
      operation.write(database, id, until);
      written.push(operation);
    }
    return written;
  }

  /** Operations that were not seen for hours are forgotten. */
  settle(written: readonly Operation[], now: number): void {
    if (written.length === 0) return;
    for (const operation of written) {
      operation.settle();
      // Behind those that still wait.
      this.all.delete(operation);
      this.all.add(operation);
    }
    for (const operation of this.all) {
      if (!operation.forgetSlots(now)) continue;
      this.all.delete(operation);
      operation.forget();
    }
  }

  /** Forgets numbers: what was learned in a change that was taken back is not there. */
  forgetIds(): void {
    for (const operation of this.all) operation.id = undefined;
  }

  private operationsOf(resource: StoredResource): ServiceOperations {
    if (this.last?.resource === resource) return this.last.operations;
    const operations = getOrAdd(this.ofResource, resource, () => {
      // Names of services may be made up, too.
      if (this.services.size >= MAX_ALL) this.services = new Map();
      return getOrAdd(this.services, resource.service, () => new ServiceOperations());
    });
    this.last = { resource, operations };
    return operations;
  }

  private getOrAdd(
    resource: StoredResource,
    known: Map<string, Operation>,
    key: string,
    named: OperationName,
  ): Operation | undefined {
    const found = known.get(key);
    if (found !== undefined) return found;
    if (this.all.size >= MAX_OPERATIONS && named.name !== OTHER_OPERATIONS) {
      const other = otherOf(named.kind);
      return this.getOrAdd(resource, this.operationsOf(resource).others, keyOf(other), other);
    }
    if (this.all.size >= MAX_ALL) return undefined;
    const operation = new Operation(resource, ownTexts(named), () => known.delete(key));
    known.set(key, operation);
    this.all.add(operation);
    return operation;
  }

  /** Its number in the store. It is looked for again now and then: it may have been evicted, or cleared. */
  private idOf(operation: Operation, database: Database, dictionaries: Dictionaries, now: number): number {
    const { id, notedAt, resource, named } = operation;
    if (id !== undefined && Math.abs(now - notedAt) < SEEN_EVERY_MS) return id;
    operation.notedAt = now;
    if (id !== undefined) {
      if (database.run(NOTE, now, id) > 0) return id;
      operation.beginAnew();
    }
    const { service } = dictionaries.resource(resource, now);
    return (operation.id = this.put(database, service, named, now));
  }

  private put(database: Database, service: number, named: OperationName, now: number): number {
    const { kind, name, target = '', attribute } = named;
    const found = database.get<{ id: number }>(FIND, service, kind, name, target)?.id;
    if (found !== undefined) {
      database.run(NOTE, now, found);
      return found;
    }
    this.storedNames ??= database.one<{ count: number }>(COUNT).count;
    if (this.storedNames >= MAX_STORED && name !== OTHER_OPERATIONS)
      return this.put(database, service, otherOf(kind), now);
    this.storedNames += 1;
    return database.one<{ id: number }>(PUT, service, kind, name, target, attribute?.key ?? '', now).id;
  }
}

function otherOf(kind: OperationKind): OperationName {
  return { kind, name: OTHER_OPERATIONS, target: undefined, attribute: undefined };
}

function keyOf({ kind, name, target = '' }: OperationName): string {
  return `${kind}\n${target}\n${name}`;
}

/** A text that was cut out of the attributes of a span holds them in memory. */
function ownTexts(named: OperationName): OperationName {
  return structuredClone(named);
}
