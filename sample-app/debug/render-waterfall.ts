import { describeSpan } from './describe-span.js';
import { type RecordedSpan } from './recorded-span.interface.js';
import { type CollectedTrace } from './trace-collector.service.js';

const BAR_WIDTH = 32;

interface Row {
  readonly span: RecordedSpan;
  readonly label: string;
}

/** The trace as a tree in plain text: service, span, duration, and when in the trace it ran. */
export function renderWaterfall(trace: CollectedTrace): string {
  const rows = layOut(trace.spans);
  const startMs = Math.min(...trace.spans.map((span) => span.startMs));
  const totalMs = Math.max(...trace.spans.map((span) => span.startMs + span.durationMs)) - startMs;
  const serviceWidth = Math.max(...rows.map(({ span }) => span.service.length));
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const lines = rows.map(({ span, label }) =>
    [
      span.service.padEnd(serviceWidth),
      label.padEnd(labelWidth),
      `${span.durationMs.toFixed(1)} ms`.padStart(10),
      renderBar(span, startMs, totalMs),
      describeSpan(span),
    ]
      .join('  ')
      .trimEnd(),
  );
  const services = new Set(trace.spans.map((span) => span.service)).size;
  const failed = trace.spans.filter((span) => span.error !== undefined).length;
  return [
    `Trace ${trace.traceId}: ${trace.spans.length} spans of ${services} services in ${totalMs.toFixed(1)} ms, ${failed} failed`,
    '',
    ...lines,
    ...Object.entries(trace.missing).map(([service, reason]) => `\n${service} is missing: ${reason}`),
    '',
  ].join('\n');
}

/** Depth first, siblings by start; a span whose parent is not there is shown as a root, not dropped. */
function layOut(spans: readonly RecordedSpan[]): Row[] {
  const known = new Set(spans.map((span) => span.spanId));
  const roots: RecordedSpan[] = [];
  const childrenOf = new Map<string, RecordedSpan[]>();
  for (const span of spans) {
    const parent = span.parentSpanId;
    if (parent === undefined || !known.has(parent)) roots.push(span);
    else childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), span]);
  }
  const rows: Row[] = [];
  const add = (span: RecordedSpan, lead: string, branch: string, below: string): void => {
    rows.push({ span, label: `${lead}${branch}${span.name}` });
    const children = childrenOf.get(span.spanId) ?? [];
    children.forEach((child, index) => {
      const last = index === children.length - 1;
      add(child, lead + below, last ? '└─ ' : '├─ ', last ? '   ' : '│  ');
    });
  };
  for (const root of roots) add(root, '', '', '');
  return rows;
}

function renderBar(span: RecordedSpan, startMs: number, totalMs: number): string {
  const scale = totalMs === 0 ? 0 : BAR_WIDTH / totalMs;
  const from = Math.min(BAR_WIDTH - 1, Math.floor((span.startMs - startMs) * scale));
  const length = Math.max(1, Math.min(BAR_WIDTH - from, Math.round(span.durationMs * scale)));
  return `|${`${' '.repeat(from)}${'█'.repeat(length)}`.padEnd(BAR_WIDTH)}|`;
}
