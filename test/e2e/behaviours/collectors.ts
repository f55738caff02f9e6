import { SpanKind } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

import { eventually } from '../../support/eventually.js';

/**
 * A span processor that keeps every span, in the order they started and ended. The probe of `nestjs-telemetry/testing`
 * keeps sampled spans when they end. It cannot show spans that are still open, spans of traces that are not sampled, and
 * the parents of a span that ends before them.
 */
export class SpanCollector {
  readonly started: ReadableSpan[] = [];
  readonly ended: ReadableSpan[] = [];

  onStart(span: ReadableSpan): void {
    this.started.push(span);
  }

  onEnd(span: ReadableSpan): void {
    this.ended.push(span);
  }

  async forceFlush(): Promise<void> {
    // Nothing is buffered.
  }

  async shutdown(): Promise<void> {
    // Nothing is held.
  }

  /** The finished spans of a trace; empty when it was not recorded. */
  inTrace(traceId: string): ReadableSpan[] {
    return this.ended.filter((span) => span.spanContext().traceId === traceId);
  }

  /** The server span of a trace, once it has ended. */
  async server(traceId: string): Promise<ReadableSpan> {
    return eventually(`a server span in trace ${traceId}`, () =>
      this.inTrace(traceId).find((span) => span.kind === SpanKind.SERVER),
    );
  }

  /** The next server span to end when `count` spans had ended before. */
  async serverAfter(count: number): Promise<ReadableSpan> {
    return eventually('another server span', () =>
      this.ended.slice(count).find(({ kind }) => kind === SpanKind.SERVER),
    );
  }

  /** The span called `name` of a trace, once it has ended. */
  async named(traceId: string, name: string): Promise<ReadableSpan> {
    return eventually(`a span "${name}" in trace ${traceId}`, () =>
      this.inTrace(traceId).find((span) => span.name === name),
    );
  }

  /** True when `span` is below `ancestor`, however many spans of the framework lie between. */
  isBelow(span: ReadableSpan, ancestor: ReadableSpan): boolean {
    const byId = new Map(this.started.map((each) => [each.spanContext().spanId, each]));
    for (
      let id = span.parentSpanContext?.spanId;
      id !== undefined;
      id = byId.get(id)?.parentSpanContext?.spanId
    ) {
      if (id === ancestor.spanContext().spanId) return true;
    }
    return false;
  }
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

/** What a probe of `nestjs-telemetry/testing` kept of the logger under test. */
export class WrittenLines {
  private readonly probe = createTelemetryProbe();
  /** Lines are written to it; for loggers that the application made, too. */
  readonly destination = (this.probe.options.logging as { destination: { write(line: string): void } })
    .destination;

  get lines(): readonly LogLine[] {
    return this.probe.logLines();
  }

  /** Forgets what was written so far. */
  reset(): void {
    this.probe.reset();
  }

  /** The first line with this message, once it was written. */
  async withMessage(message: string): Promise<LogLine> {
    return eventually(`a log line "${message}"`, () => this.lines.find(({ msg }) => msg === message));
  }
}
