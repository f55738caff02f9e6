import { type Span } from '@opentelemetry/api';

/** Something that is kept with a span. */
export interface SpanNotes<T extends object> {
  get(span: Span): T | undefined;
  getOrMake(span: Span, make: (span: Span) => T): T;
}

/**
 * Keeps notes on the spans themselves, under a symbol: a WeakMap would do the same, but its entry
 * for each request makes work for the garbage collector, 8 µs for a request with a single pipe.
 */
export function createSpanNotes<T extends object>(name: string): SpanNotes<T> {
  const key = Symbol(`nestjs-telemetry.${name}`);
  return {
    get: (span) => (span as Noted<T>)[key],
    getOrMake: (span, make) => ((span as Noted<T>)[key] ??= make(span)),
  };
}

type Noted<T> = Span & Record<symbol, T | undefined>;

/** Milliseconds as an attribute has them: more digits are noise. */
export function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
