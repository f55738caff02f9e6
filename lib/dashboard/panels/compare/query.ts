import { type Question } from '../../api/question.js';
import { type SpanAnswer, type TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { hostOf } from '../../reader/host-of.js';
import { type Steps } from '../../steps.js';
import { type PlacedSpan, placeSpans } from '../trace/analysis/place-spans.js';

/** Addresses of the panel, and their answers. */
export interface CompareApi {
  readonly 'GET compare': ComparisonAnswer;
}

type Row = ComparisonAnswer['rows'][number];

/** Spans of two traces, matched by the names that lead to them. */
export interface ComparisonAnswer {
  readonly a: TraceSummaryAnswer;
  readonly b: TraceSummaryAnswer;
  readonly rows: readonly {
    /** Names from the root on, of a call of a client with its host. */
    readonly path: string;
    readonly service: string;
    readonly countA: number;
    readonly countB: number;
    readonly msA: number;
    readonly msB: number;
  }[];
}

/** Between the names of a path. */
const STEP = ' › ';
/** Deeper places count as one: a path of thousands of names cannot be read. */
const MAX_DEPTH = 100;
/** Longest path of a place, in characters; other services send the names. */
const MAX_PATH = 2_000;

/** Spans of two traces side by side, by the names that lead to them from the root, in the order of the first. */
export function* compareTraces(a: readonly SpanAnswer[], b: readonly SpanAnswer[]): Steps<readonly Row[]> {
  const rows = new Map<string, { -readonly [Key in keyof Row]: Row[Key] }>();
  const add = (spans: readonly SpanAnswer[], count: 'countA' | 'countB', ms: 'msA' | 'msB'): void => {
    for (const [path, { span }] of pathsOf(placeSpans(spans))) {
      let row = rows.get(path);
      if (row === undefined)
        rows.set(path, (row = { path, service: span.service, countA: 0, countB: 0, msA: 0, msB: 0 }));
      row[count] += 1;
      row[ms] += span.durationMs;
    }
  };
  add(a, 'countA', 'msA');
  yield;
  add(b, 'countB', 'msB');
  return [...rows.values()];
}

/** As in the waterfall: calls of other hosts are other places. */
function nameOf(span: SpanAnswer): string {
  const host = hostOf(span);
  return host === undefined ? span.name : `${span.name} ${host}`;
}

function* pathsOf(roots: readonly PlacedSpan[]): Generator<[path: string, node: PlacedSpan]> {
  const waiting: [node: PlacedSpan, above: string, depth: number][] = roots
    .toReversed()
    .map((root) => [root, '', 0]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [node, above, depth] = next;
    const path =
      depth > MAX_DEPTH || above.length > MAX_PATH
        ? above
        : `${above}${above === '' ? '' : STEP}${nameOf(node.span)}`;
    yield [path, node];
    for (const child of node.children.toReversed()) waiting.push([child, path, depth + 1]);
  }
}

export async function askComparison({
  reader,
  work,
  query,
  signal,
}: Question): Promise<ComparisonAnswer | undefined> {
  const ids = [query.traceId('a'), query.traceId('b')] as const;
  const summaries = await reader.summaries(ids, { signal });
  const [a, b] = [summaries.get(ids[0]), summaries.get(ids[1])];
  if (a === undefined || b === undefined) return undefined;
  const spans = await reader.spans(ids, { signal });
  return { a, b, rows: await work(compareTraces(spans.get(ids[0]) ?? [], spans.get(ids[1]) ?? [])) };
}
