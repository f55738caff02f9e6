import { type Span, type SpanContext, type TraceState } from '@opentelemetry/api';

import { markTurn } from './event-loop-turn.js';
import { ENDED_BEFORE_PARENT, type Lineage, LINEAGE } from './lineage.js';
import { hexOf, randomWord, type TraceId } from './span-identity.js';

/** A span that this process started, recorded or not: its ids are numbers until somebody wants their text. */
export abstract class LocalSpan implements Lineage {
  readonly idHigh = randomWord();
  /** All zeros is the invalid id. */
  readonly idLow = randomWord() | (this.idHigh === 0 ? 1 : 0);
  declare shortcut?: Lineage | undefined;
  endedTurn = ENDED_BEFORE_PARENT;
  protected over = false;
  private context: SpanContext | undefined;

  protected constructor(
    readonly traceId: TraceId,
    readonly traceFlags: number,
    readonly traceState: TraceState | undefined,
    readonly parent: LocalSpan | SpanContext | undefined,
  ) {}

  spanContext(): SpanContext {
    return (this.context ??= this.describeIdentity());
  }

  get ended(): boolean {
    return this.over;
  }

  abstract get endedAt(): number;

  abstract get span(): Span;

  get localParent(): Lineage | undefined {
    return this.parent instanceof LocalSpan ? this.parent : undefined;
  }

  /** To be called when the span ends. */
  protected noteEnd(): void {
    this.over = true;
    const { localParent } = this;
    if (localParent === undefined || localParent.ended) this.endedTurn = markTurn();
  }

  get [LINEAGE](): Lineage {
    return this;
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
