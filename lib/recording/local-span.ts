import { type SpanContext, type TraceState } from '@opentelemetry/api';

import { hexOf, randomWord, type TraceId } from './span-identity.js';

/** A span that this process started, recorded or not: its ids are numbers until somebody wants their text. */
export abstract class LocalSpan {
  readonly idHigh = randomWord();
  /** All zeros is the invalid id. */
  readonly idLow = randomWord() | (this.idHigh === 0 ? 1 : 0);
  private context: SpanContext | undefined;

  protected constructor(
    readonly traceId: TraceId,
    readonly traceFlags: number,
    readonly traceState: TraceState | undefined,
  ) {}

  spanContext(): SpanContext {
    return (this.context ??= this.describeIdentity());
  }

  private describeIdentity(): SpanContext {
    const { traceFlags, traceState } = this;
    const traceId = this.traceId.toString();
    const spanId = hexOf(this.idHigh) + hexOf(this.idLow);
    return traceState === undefined
      ? { traceId, spanId, traceFlags }
      : { traceId, spanId, traceFlags, traceState };
  }
}
