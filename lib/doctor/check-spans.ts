import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  ATTR_URL_PATH,
} from '../config/semantic-conventions.constants.js';
import { type Result, warning } from './finding.js';

/** One span as a trace store shows it; times in milliseconds since the epoch. */
export interface SeenSpan {
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly start: number;
  readonly durationMs: number;
}

/** What more is read of a span of the embedded store or of ClickHouse. */
export interface StoredSpan extends SeenSpan {
  readonly scope: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Network time aside, a child does not begin before the call that caused it. */
const SKEW_MS = 5;

/** A span of another service that begins before its parent, or ends long after it began elsewhere, shows clocks that differ. */
export function checkClocks(spans: readonly SeenSpan[]): Result[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const worst = new Map<string, number>();
  for (const { service, start, parentSpanId } of spans) {
    const parent = byId.get(parentSpanId ?? '');
    if (parent === undefined || parent.service === service) continue;
    const early = parent.start - start;
    const pair = `${service} is behind ${parent.service}`;
    if (early > SKEW_MS) worst.set(pair, Math.max(worst.get(pair) ?? 0, early));
    const late = start - (parent.start + parent.durationMs);
    const other = `${service} is ahead of ${parent.service}`;
    if (late > SKEW_MS && parent.kind === 'client') worst.set(other, Math.max(worst.get(other) ?? 0, late));
  }
  return [...worst].map(([pair, ms]) =>
    warning(
      'has clocks that differ.',
      `the clock of ${pair} by at least ${ms.toFixed(0)} ms`,
      'Synchronise the clocks of the machines (NTP).',
    ),
  );
}

/** Clocks of two machines, and the way to the other one. */
const SLACK_MS = 1_000;
const MAX_LISTED = 5;

/**
 * HTTP calls without a span on the other side whose request is there, as the beginning of another trace: same address, method and path, at
 * the same time.
 */
export function checkLostContexts(spans: readonly StoredSpan[]): Result[] {
  const parents = new Set(spans.map(({ parentSpanId }) => parentSpanId));
  const begun = new Map<string, StoredSpan[]>();
  for (const span of spans) {
    const request = span.kind === 'server' && span.parentSpanId === undefined ? requestOf(span) : undefined;
    if (request === undefined) continue;
    const others = begun.get(request);
    if (others === undefined) begun.set(request, [span]);
    else others.push(span);
  }
  const lost = new Map<string, number>();
  for (const span of spans) {
    const request = span.kind === 'client' && !parents.has(span.spanId) ? requestOf(span) : undefined;
    const answered = begun
      .get(request ?? '')
      ?.find(
        ({ start }) => start >= span.start - SLACK_MS && start <= span.start + span.durationMs + SLACK_MS,
      );
    if (answered === undefined) continue;
    const what = `${span.service} to ${answered.service}: ${answered.name}`;
    lost.set(what, (lost.get(what) ?? 0) + 1);
  }
  if (lost.size === 0) return [];
  const seen = [...lost].slice(0, MAX_LISTED).map(([what, count]) => `${what} (${count} times)`);
  return [
    warning(
      'calls begin a new trace on the other side.',
      seen.join('\n'),
      'The header traceparent is not sent, or dropped on the way: check propagators of both, a proxy between them, and docs/context.md.',
    ),
  ];
}

/** Address, method and path of an HTTP request, the same on both sides; undefined where one of them is not known. */
function requestOf({ attributes }: StoredSpan): string | undefined {
  const method = attributes[ATTR_HTTP_REQUEST_METHOD];
  const address = attributes[ATTR_SERVER_ADDRESS];
  const port = attributes[ATTR_SERVER_PORT];
  const path = attributes[ATTR_URL_PATH] ?? pathOf(attributes[ATTR_URL_FULL]);
  const parts = [method, address, port, path];
  return parts.includes(undefined) ? undefined : parts.map(String).join(' ');
}

function pathOf(url: unknown): string | undefined {
  return typeof url === 'string' ? URL.parse(url)?.pathname : undefined;
}

/** An HTTP span right below another one of the same request: two instrumentations record it. */
export function checkDoubleSpans(spans: readonly StoredSpan[]): Result[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const doubled = new Map<string, string>();
  for (const span of spans) {
    const method = span.attributes[ATTR_HTTP_REQUEST_METHOD];
    const parent = byId.get(span.parentSpanId ?? '');
    if (method === undefined || parent?.kind !== span.kind || parent.service !== span.service) continue;
    if (parent.scope === span.scope || parent.attributes[ATTR_HTTP_REQUEST_METHOD] !== method) continue;
    if (span.kind === 'server' || span.kind === 'client')
      doubled.set(
        `${span.service} ${span.kind}`,
        `${span.name} of ${span.service}: by ${parent.scope} and ${span.scope}`,
      );
  }
  if (doubled.size === 0) return [];
  return [
    warning(
      'requests have two spans.',
      [...doubled.values()].slice(0, MAX_LISTED).join('\n'),
      'Leave one instrumentation out: @opentelemetry/instrumentation-http, or ours with instrumentation.httpServer and instrumentation.http.',
    ),
  ];
}
