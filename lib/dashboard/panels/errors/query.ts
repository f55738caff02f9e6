import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_FINGERPRINT,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_TYPE,
} from '../../../config/semantic-conventions.constants.js';
import { type Question } from '../../api/question.js';
import { type SpanAnswer, type TraceSummaryAnswer } from '../../reader/answers.interface.js';

/** One kind of error at one route. */
export interface ErrorGroup {
  /** Class of the exception, or `error.type` of a span that failed without one. */
  readonly type: string;
  /** Message of the newest one. */
  readonly message: string;
  /** Service in which it began. */
  readonly service: string;
  /** Route by which the trace began; undefined for other work. */
  readonly route: string | undefined;
  /** Traces in which it happened. */
  readonly count: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** The newest trace, and the span in it that failed first. */
  readonly traceId: string;
  readonly spanId: string;
}

/** Errors by kind and route, newest first. */
export interface ErrorsAnswer {
  readonly groups: readonly ErrorGroup[];
  /** Failed traces that were read, newest first. */
  readonly traces: number;
  /** Whether these are all of the range. */
  readonly complete: boolean;
}

/** Addresses of the panel, and their answers. */
export interface ErrorsApi {
  readonly 'GET errors': ErrorsAnswer;
}

const MAX_TRACES = 500;
/** Of all traces together; traces that would exceed it are left out. */
const MAX_SPANS = 20_000;
const PAGE = 100;
/** Ids, numbers and quoted texts differ between errors of one kind. */
const VARIABLE_PARTS = /"[^"]*"|'[^']*'|\b[0-9a-f-]{16,}\b|\d+/gi;

export async function askErrors({ reader, work, query, signal }: Question): Promise<ErrorsAnswer> {
  const filter = { ...query.range(), service: query.text('service'), status: 'error' };
  const groups = new Map<string, ErrorGroup>();
  let [traces, spans] = [0, 0];
  let before: string | undefined;
  do {
    const page = await reader.traces({ ...filter, before, limit: PAGE }, { signal });
    const chosen = page.items.filter(({ spanCount }) => (spans += spanCount) <= MAX_SPANS);
    const ids = chosen.map(({ traceId }) => traceId);
    await work(addGroups(chosen, await reader.spans(ids, { signal }), groups));
    traces += chosen.length;
    before = page.next;
  } while (before !== undefined && traces < MAX_TRACES && spans < MAX_SPANS);
  return {
    groups: [...groups.values()].sort((a, b) => b.lastSeen - a.lastSeen),
    traces,
    complete: before === undefined && spans <= MAX_SPANS,
  };
}

function* addGroups(
  traces: readonly TraceSummaryAnswer[],
  spans: ReadonlyMap<string, readonly SpanAnswer[]>,
  groups: Map<string, ErrorGroup>,
) {
  for (const { traceId, route } of traces) {
    for (const [key, error] of errorsOf(spans.get(traceId) ?? [], route)) {
      const known = groups.get(key);
      // Newest traces come first, but one may have failed late.
      const newest = known === undefined || error.lastSeen > known.lastSeen ? error : known;
      groups.set(key, {
        ...newest,
        count: (known?.count ?? 0) + 1,
        firstSeen: Math.min(error.firstSeen, known?.firstSeen ?? Infinity),
      });
    }
    yield;
  }
}

/** The errors of a trace by kind. An exception passes through spans outwards: only the innermost one counts. */
function errorsOf(spans: readonly SpanAnswer[], route: string | undefined): Map<string, ErrorGroup> {
  const errors = new Map<string, ErrorGroup>();
  const failed = spans.filter(({ status }) => status === 'error');
  const parents = new Set(failed.map(({ parentSpanId }) => parentSpanId));
  for (const span of failed) {
    if (parents.has(span.spanId)) continue;
    const { service, traceId, spanId } = span;
    const exception = span.events.findLast(({ name }) => name === 'exception');
    const attributes = exception?.attributes ?? {};
    const time = exception?.time ?? span.start + span.durationMs;
    const type = textOf(attributes[ATTR_EXCEPTION_TYPE] ?? span.attributes[ATTR_ERROR_TYPE]) ?? 'Error';
    const message = textOf(attributes[ATTR_EXCEPTION_MESSAGE]) ?? span.statusMessage ?? span.name;
    const kind =
      textOf(attributes[ATTR_EXCEPTION_FINGERPRINT] ?? span.attributes[ATTR_EXCEPTION_FINGERPRINT]) ??
      message.replace(VARIABLE_PARTS, '?');
    const key = JSON.stringify([service, route, type, kind]);
    errors.set(key, {
      type,
      message,
      service,
      route,
      count: 1,
      firstSeen: time,
      lastSeen: time,
      traceId,
      spanId,
    });
  }
  return errors;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
