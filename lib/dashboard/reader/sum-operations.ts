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
import {
  type JsonAttributes,
  type OperationAnswer,
  type OperationKind,
  type SpanKindName,
} from './answers.interface.js';
import { type OperationFilter } from './telemetry-reader.interface.js';

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
  readonly attributes: JsonAttributes;
}

/** Operations with a sum. Names that differ with each call are added up in `OTHER`. */
const MAX_OPERATIONS = 3_000;
const MAX_NAME = 200;
const OTHER = '(other)';

/** The text of an attribute; undefined where there is none. */
function textAt(attributes: JsonAttributes, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = attributes[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** `db.system` is the name that older instrumentations write. */
const databaseOf = (attributes: JsonAttributes): string | undefined =>
  textAt(attributes, ATTR_DB_SYSTEM_NAME, 'db.system');

function kindOf({ kind, parentSpanId, attributes }: SummedSpan): OperationKind {
  if (kind === 'server') return 'request';
  if (kind === 'consumer') return 'message';
  if (kind === 'producer') return 'send';
  if (kind === 'client') return databaseOf(attributes) === undefined ? 'call' : 'statement';
  return parentSpanId === undefined ? 'job' : 'method';
}

/** Their statements contain the key: each key would become an operation. */
const KEY_VALUE_STORES: ReadonlySet<string | undefined> = new Set(['redis', 'valkey', 'memcached']);

type Named = Pick<OperationAnswer, 'kind' | 'name' | 'target' | 'attribute'>;

function nameOf(span: SummedSpan): Named {
  const kind = kindOf(span);
  const { attributes } = span;
  const address = textAt(attributes, ATTR_SERVER_ADDRESS);
  if (kind === 'statement') {
    const other = KEY_VALUE_STORES.has(databaseOf(attributes)) ? ATTR_DB_OPERATION_NAME : ATTR_DB_QUERY_TEXT;
    const key = [ATTR_DB_QUERY_SUMMARY, other].find((each) => textAt(attributes, each));
    const text = key === undefined ? undefined : textAt(attributes, key);
    const target = [databaseOf(attributes), address].filter((part) => part !== undefined).join(' ');
    const name = (text ?? span.name).slice(0, MAX_NAME);
    const isWhole = key !== undefined && text === name;
    return { kind, name, target, attribute: isWhole ? { key, value: name } : undefined };
  }
  const name = span.name.slice(0, MAX_NAME);
  const [key, value] =
    kind === 'call'
      ? [ATTR_SERVER_ADDRESS, address]
      : kind === 'send' || kind === 'message'
        ? [ATTR_MESSAGING_DESTINATION_NAME, textAt(attributes, ATTR_MESSAGING_DESTINATION_NAME)]
        : ['', undefined];
  return { kind, name, target: value, attribute: value === undefined ? undefined : { key, value } };
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

/** The smallest value that is not below a share of all; `sorted` is not empty. */
function quantileOfSorted(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

interface OperationSum extends Named {
  readonly service: string;
  readonly durations: number[];
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

  /** Takes all spans of a trace, those of other services as well: they are children. */
  *addTrace(spans: readonly SummedSpan[], turn: TimeSlice): Steps<void> {
    const trace = (this.traces += 1);
    const children = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId);
    for (const span of spans) {
      const { service } = span;
      if (this.service !== undefined && service !== this.service) continue;
      const sum = this.sumOf(service, nameOf(span));
      sum.durations.push(span.durationMs);
      sum.selfMs += selfTimeOf(span, children.get(span.spanId) ?? []);
      if (span.failed) sum.errors += 1;
      if (sum.trace !== trace) sum.traces += 1;
      sum.trace = trace;
      if (turn.isOver()) yield* turn.pass();
    }
  }

  private sumOf(service: string, named: Named): OperationSum {
    const key = JSON.stringify([service, named.kind, named.name, named.target]);
    const isNew = this.sums.size >= MAX_OPERATIONS && !this.sums.has(key);
    const { kind } = named;
    return getOrAdd(this.sums, isNew ? JSON.stringify([service, kind, OTHER]) : key, () => ({
      ...(isNew ? { kind, name: OTHER, target: undefined, attribute: undefined } : named),
      service,
      durations: [],
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
      const sorted = durations.sort((a, b) => a - b);
      const count = sorted.length;
      const totalMs = sorted.reduce((a, b) => a + b, 0);
      const p95 = quantileOfSorted(sorted, 0.95);
      return {
        service,
        kind,
        name,
        target,
        attribute,
        count,
        errors,
        selfMs,
        totalMs,
        p95,
        perTrace: count / traces,
      };
    });
  }
}

/** Those of a kind, the highest first, and how many there are. */
export function rankOperations(
  all: readonly OperationAnswer[],
  { kind, order = 'selfMs', limit = 200 }: OperationFilter,
): { readonly operations: readonly OperationAnswer[]; readonly total: number } {
  const matching = all.filter((operation) => kind === undefined || operation.kind === kind);
  const sorted = matching.sort((a, b) => b[order] - a[order] || a.name.localeCompare(b.name));
  return { operations: sorted.slice(0, limit), total: matching.length };
}
