/** What the server works out for traces of its store, for one that was read from a file. It has no others to compare with. */
import type { ApiSpan, ApiTimeKind, ApiTraceAnalysis } from '../../api/api.interface.js';

const FEWEST_REPEATS = 4;
const CACHES = new Set(['redis', 'valkey', 'memcached']);

export function kindOf({ attributes, kind }: ApiSpan): ApiTimeKind {
  const system = attributes['db.system.name'] ?? attributes['db.system'];
  if (typeof system === 'string') return CACHES.has(system) ? 'cache' : 'database';
  if ('messaging.system' in attributes) return 'messaging';
  if (kind === 'client') return 'http';
  return 'handler';
}

const endOf = (span: ApiSpan): number => span.start + span.durationMs;

function childrenByParent(spans: readonly ApiSpan[]): Map<string, ApiSpan[]> {
  const children = new Map<string, ApiSpan[]>();
  for (const span of spans) {
    if (span.parentSpanId === undefined) continue;
    const siblings = children.get(span.parentSpanId);
    if (siblings) siblings.push(span);
    else children.set(span.parentSpanId, [span]);
  }
  return children;
}

function selfTime(span: ApiSpan, children: readonly ApiSpan[]): number {
  let covered = 0;
  let at = span.start;
  for (const child of [...children].sort((a, b) => a.start - b.start)) {
    const from = Math.max(child.start, at);
    const to = Math.min(endOf(child), endOf(span));
    if (to > from) {
      covered += to - from;
      at = to;
    }
  }
  return Math.max(span.durationMs - covered, 0);
}

function findCriticalPath(root: ApiSpan | undefined, children: Map<string, ApiSpan[]>): readonly string[] {
  const path: string[] = [];
  const met = new Set<string>();
  const open = root ? [root] : [];
  for (let span = open.pop(); span; span = open.pop()) {
    if (met.has(span.spanId)) continue;
    met.add(span.spanId);
    path.push(span.spanId);
    let until = endOf(span);
    // Backwards from the end: whatever ended last before that is what was waited for.
    for (const child of [...(children.get(span.spanId) ?? [])].sort((a, b) => endOf(b) - endOf(a))) {
      if (endOf(child) > until + 0.001) continue;
      open.push(child);
      until = child.start;
    }
  }
  return path;
}

function findRepeated(spans: readonly ApiSpan[]): ApiTraceAnalysis['repeated'] {
  const bySpanId = new Map(spans.map((span) => [span.spanId, span]));
  const groups = new Map<string, ApiSpan[]>();
  for (const span of spans) {
    const statement = span.attributes['db.query.text'] ?? span.attributes['db.statement'];
    if (typeof statement !== 'string') continue;
    const key = `${span.parentSpanId ?? ''} ${statement}`;
    groups.set(key, [...(groups.get(key) ?? []), span]);
  }
  return [...groups.values()]
    .filter(({ length }) => length >= FEWEST_REPEATS)
    .map((group) => ({
      statement: String(group[0]?.attributes['db.query.text'] ?? group[0]?.attributes['db.statement']),
      count: group.length,
      totalMs: group.reduce((sum, { durationMs }) => sum + durationMs, 0),
      spanIds: group.map(({ spanId }) => spanId),
      issuedBy: bySpanId.get(group[0]?.parentSpanId ?? '')?.name,
    }));
}

export function analyzeTrace(spans: readonly ApiSpan[]): ApiTraceAnalysis {
  const children = childrenByParent(spans);
  const known = new Set(spans.map(({ spanId }) => spanId));
  const root = spans.find(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId));
  const selfTimeMs: Record<string, number> = {};
  const byKind = new Map<ApiTimeKind, number>();
  for (const span of spans) {
    const ms = selfTime(span, children.get(span.spanId) ?? []);
    selfTimeMs[span.spanId] = ms;
    byKind.set(kindOf(span), (byKind.get(kindOf(span)) ?? 0) + ms);
  }
  return {
    criticalPath: findCriticalPath(root, children),
    selfTimeMs,
    byKind: [...byKind].map(([kind, ms]) => ({ kind, ms, medianMs: undefined })),
    repeated: findRepeated(spans),
  };
}
