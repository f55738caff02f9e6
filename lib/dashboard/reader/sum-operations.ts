import {
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_SYSTEM_NAME,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_SERVER_ADDRESS,
} from '../../config/semantic-conventions.constants.js';
import { getOrAdd } from '../get-or-add.js';
import { type Steps, type TimeSlice } from '../steps.js';
import { type JsonAttributes } from './answers/answer-parts.interface.js';
import { type OperationAnswer, type OperationKind } from './answers/operations.interface.js';
import { type SpanKindName } from './answers/traces.interface.js';
import { type OperationFilter } from './telemetry-reader.interface.js';
import { WeightedDurations } from './weighted-durations.js';

/** The name of operations beyond a bound, which are added up together. */
export const OTHER_OPERATIONS = '(other)';
const MAX_NAME = 200;
/** Operations with a sum of their own. */
const MAX_OPERATIONS = 3_000;

/** What of a span says which operation it is. */
interface NamedSpan {
  readonly name: string;
  readonly kind: SpanKindName;
  readonly hasParent: boolean;
  /** The text of an attribute; undefined or empty where there is none. */
  readonly textAt: (key: string) => string | undefined;
}

/** What distinguishes the operations of a service, and by which attribute its spans are found. */
export type OperationName = Pick<OperationAnswer, 'kind' | 'name' | 'target' | 'attribute'>;

/** Their statements contain the key: each key would become an operation. */
const KEY_VALUE_STORES: ReadonlySet<string | undefined> = new Set(['redis', 'valkey', 'memcached']);

/** `db.system` is the name that older instrumentations write. */
function databaseOf({ textAt }: NamedSpan): string | undefined {
  return orUndefined(textAt(ATTR_DB_SYSTEM_NAME)) ?? orUndefined(textAt('db.system'));
}

function orUndefined(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Which operation a span is. */
export function nameOperation(span: NamedSpan): OperationName {
  const { name, kind, hasParent } = span;
  switch (kind) {
    case 'server':
      return nameBy('request', name);
    case 'internal':
      return nameBy(hasParent ? 'method' : 'job', name);
    case 'consumer':
      return nameBy('message', name, span, ATTR_MESSAGING_DESTINATION_NAME);
    case 'producer':
      return nameBy('send', name, span, ATTR_MESSAGING_DESTINATION_NAME);
    case 'client': {
      const database = databaseOf(span);
      return database === undefined
        ? nameBy('call', name, span, ATTR_SERVER_ADDRESS)
        : nameStatement(span, database);
    }
  }
}

/** @param targetKey the attribute that names what is called */
function nameBy(kind: OperationKind, spanName: string, span?: NamedSpan, targetKey = ''): OperationName {
  const name = spanName.slice(0, MAX_NAME);
  const value = orUndefined(span?.textAt(targetKey));
  const target = value?.slice(0, MAX_NAME);
  const isWhole = target !== undefined && target === value;
  return { kind, name, target, attribute: isWhole ? { key: targetKey, value: target } : undefined };
}

function nameStatement(span: NamedSpan, database: string): OperationName {
  const other = KEY_VALUE_STORES.has(database) ? ATTR_DB_OPERATION_NAME : ATTR_DB_QUERY_TEXT;
  const summary = orUndefined(span.textAt(ATTR_DB_QUERY_SUMMARY));
  const text = summary ?? orUndefined(span.textAt(other));
  const address = orUndefined(span.textAt(ATTR_SERVER_ADDRESS));
  const target = (address === undefined ? database : `${database} ${address}`).slice(0, MAX_NAME);
  const name = (text ?? span.name).slice(0, MAX_NAME);
  const key = summary === undefined ? other : ATTR_DB_QUERY_SUMMARY;
  return {
    kind: 'statement',
    name,
    target,
    attribute: text === name ? { key, value: name } : undefined,
  };
}

/** Whether a span counts among the children of its parent: what enters a service does not, as a call lasts until it is answered. */
function isPartOfParent(kind: SpanKindName): boolean {
  return kind !== 'server' && kind !== 'consumer';
}

/** What sums over traces need of a span. Times are milliseconds. */
export interface SummedSpan {
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly service: string;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly start: number;
  readonly durationMs: number;
  readonly failed: boolean;
  /** How many it stands for; undefined: itself alone. */
  readonly weight?: number | undefined;
  readonly attributes: JsonAttributes;
  /** false: of a process that is not asked about. It counts as a child only. */
  readonly isChosen?: boolean;
}

function nameOf({ name, kind, parentSpanId, attributes }: SummedSpan): OperationName {
  const textAt = (key: string): string | undefined => {
    const value = attributes[key];
    return typeof value === 'string' ? value : undefined;
  };
  return nameOperation({ name, kind, hasParent: parentSpanId !== undefined, textAt });
}

/** How long a span ran while none of its children did. A child counts only within the time of its parent. */
function selfTimeOf({ start, durationMs }: SummedSpan, children: readonly SummedSpan[]): number {
  const end = start + durationMs;
  let covered = 0;
  let until = start;
  for (const child of [...children].sort((a, b) => a.start - b.start)) {
    const from = Math.max(until, child.start);
    const to = Math.min(end, child.start + child.durationMs);
    if (to <= from) continue;
    covered += to - from;
    until = to;
  }
  return Math.max(0, durationMs - covered);
}

interface OperationSum extends OperationName {
  readonly service: string;
  readonly durations: WeightedDurations;
  errors: number;
  selfMs: number;
  traces: number;
  /** The trace that was counted last. */
  trace: number;
}

/** Adds up the operations of whole traces: what a database that has no faster way answers `operations()` with. */
export class OperationSums {
  private readonly sums = new Map<string, OperationSum>();
  private traces = 0;

  /** @param service Undefined: of all services */
  constructor(private readonly service: string | undefined) {}

  /** Takes all spans of a trace. */
  *addTrace(spans: readonly SummedSpan[], turn: TimeSlice): Steps<void> {
    const trace = (this.traces += 1);
    const parts = spans.filter(({ kind }) => isPartOfParent(kind));
    const children = Map.groupBy(parts, ({ parentSpanId }) => parentSpanId);
    for (const span of spans) {
      const { service, weight = 1 } = span;
      if ((this.service !== undefined && service !== this.service) || span.isChosen === false) continue;
      const sum = this.sumOf(service, nameOf(span));
      sum.durations.add(span.durationMs, weight);
      sum.selfMs += selfTimeOf(span, children.get(span.spanId) ?? []) * weight;
      if (span.failed) sum.errors += weight;
      if (sum.trace !== trace) sum.traces += weight;
      sum.trace = trace;
      if (turn.isOver()) yield* turn.pass();
    }
  }

  private sumOf(service: string, named: OperationName): OperationSum {
    const key = JSON.stringify([service, named.kind, named.name, named.target]);
    const isNew = this.sums.size >= MAX_OPERATIONS && !this.sums.has(key);
    const { kind } = named;
    return getOrAdd(this.sums, isNew ? JSON.stringify([service, kind, OTHER_OPERATIONS]) : key, () => ({
      ...(isNew ? { kind, name: OTHER_OPERATIONS, target: undefined, attribute: undefined } : named),
      service,
      durations: new WeightedDurations(),
      errors: 0,
      selfMs: 0,
      traces: 0,
      trace: 0,
    }));
  }

  /** All of them, in no order. */
  answers(): readonly OperationAnswer[] {
    return Array.from(this.sums.values(), (sum) => {
      const { service, kind, name, target, attribute, durations, errors, selfMs, traces } = sum;
      const { count, totalMs } = durations;
      return {
        service,
        kind,
        name,
        target,
        attribute,
        count: Math.round(count),
        errors: Math.round(errors),
        selfMs,
        totalMs,
        p95: durations.quantile(0.95),
        perTrace: count / traces,
      };
    });
  }
}

/** What operations are ranked by. */
type Ranked = Pick<OperationAnswer, 'kind' | 'name' | NonNullable<OperationFilter['order']>>;

/** Those of a kind, the highest first, and how many there are. */
export function rankOperations<Operation extends Ranked>(
  all: readonly Operation[],
  { kind, order = 'selfMs', limit = 200 }: OperationFilter,
): { readonly operations: readonly Operation[]; readonly total: number } {
  const matching = all.filter((operation) => kind === undefined || operation.kind === kind);
  const sorted = matching.sort((a, b) => b[order] - a[order] || a.name.localeCompare(b.name));
  return { operations: sorted.slice(0, limit), total: matching.length };
}
