import { type Attributes } from '@opentelemetry/api';

/** A finished span as the debug endpoints show it: plain JSON, times in milliseconds. */
export interface RecordedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly service: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Present when the span failed; what it said, or `error`. */
  readonly error?: string | undefined;
  readonly attributes: Attributes;
  readonly events: readonly RecordedEvent[];
}

export interface RecordedEvent {
  readonly name: string;
  readonly timeMs: number;
  readonly attributes: Attributes;
}
