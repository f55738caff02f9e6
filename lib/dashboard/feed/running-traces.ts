import { type Span } from '@opentelemetry/sdk-trace';

import { ATTR_HTTP_ROUTE, ATTR_URL_PATH } from '../../config/semantic-conventions.constants.js';
import { isLocalRoot, isSampled } from '../../engine/span-view.js';
import { hrTimeToMilliseconds } from '../../engine/time-input.js';
import { type RunningTraceAnswer } from '../reader/answers/traces.interface.js';

/** Spans that are looked at at first; spans that tail sampling left out are found and dropped there. */
const FIRST_LIMIT = 1_000;
const MAX_OPEN = 10_000;

/** The requests, messages and runs of this process that have not ended. */
export class RunningTraces {
  private readonly open = new Set<Span>();
  private limit = FIRST_LIMIT;

  /** Takes a span that has started; more than 10,000 at a time are not tracked. */
  add(span: Span): void {
    if (!isLocalRoot(span) || !isSampled(span)) return;
    if (this.open.size >= this.limit) this.dropEnded();
    if (this.open.size < MAX_OPEN) this.open.add(span);
  }

  remove(span: object): void {
    this.open.delete(span as Span);
  }

  /** Those that run now, the longest first. */
  list(service: string, now = Date.now()): RunningTraceAnswer[] {
    this.dropEnded();
    return [...this.open]
      .map((span) => {
        const { traceId, spanId } = span.spanContext();
        const start = hrTimeToMilliseconds(span.startTime);
        return { traceId, spanId, name: nameOf(span), service, start, elapsedMs: Math.max(0, now - start) };
      })
      .sort((a, b) => b.elapsedMs - a.elapsedMs);
  }

  private dropEnded(): void {
    for (const span of this.open) if (span.ended) this.open.delete(span);
    this.limit = Math.max(FIRST_LIMIT, this.open.size * 2);
  }
}

/** Express knows the route of a request when it ends: until then its path, not only its method. */
function nameOf({ name, attributes }: Span): string {
  const path = attributes[ATTR_URL_PATH];
  const isOfRoute = ATTR_HTTP_ROUTE in attributes || name.includes(' ');
  return typeof path === 'string' && !isOfRoute ? `${name} ${path}` : name;
}
