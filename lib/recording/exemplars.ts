import { type Attributes, type Span, TraceFlags } from '@opentelemetry/api';

import { hashAttributes, hashMeasuredAgain } from './hash-attributes.js';
import { LocalSpan } from './local-span.js';
import { hexOf, type TraceId } from './span-identity.js';

/** One measurement that was made inside a sampled span: where a number of a metric leads to a trace. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Series of an instrument with exemplars, where the instrument itself is not limited for life. */
const MAX_SERIES = 2_000;

/** The place of the newest exemplar of one series and bucket; written over, so that a measurement allocates nothing. */
class Slot {
  value = 0;
  time = 0;
  private trace: TraceId | string = '';
  private idHigh = 0;
  private idLow = 0;
  private spanId = '';

  take(span: Span, value: number, time: number): void {
    this.value = value;
    this.time = time;
    if (span instanceof LocalSpan) {
      this.trace = span.traceId;
      this.idHigh = span.idHigh;
      this.idLow = span.idLow;
      this.spanId = '';
    } else {
      const { traceId, spanId } = span.spanContext();
      this.trace = traceId;
      this.spanId = spanId;
    }
  }

  read(): Exemplar {
    const spanId = this.spanId === '' ? hexOf(this.idHigh) + hexOf(this.idLow) : this.spanId;
    return { traceId: this.trace.toString(), spanId, value: this.value, time: this.time };
  }
}

/** Slots by instrument, by series, by bucket. An instrument is known by its descriptor, which the SDK hands on with its data. */
const reservoirs = new WeakMap<object, Map<string, (Slot | undefined)[]>>();

/**
 * Keeps a measurement that was just added to its series as the exemplar of that series and bucket when `span` is sampled, in
 * place of the one before.
 *
 * @param isLimited the number of series of the instrument is bounded already
 */
export function offerExemplar(
  instrument: object,
  attributes: Readonly<Attributes>,
  bucket: number,
  value: number,
  time: number,
  span: Span,
  isLimited = false,
): void {
  if (!isSampled(span)) return;
  let series = reservoirs.get(instrument);
  if (series === undefined) reservoirs.set(instrument, (series = new Map<string, (Slot | undefined)[]>()));
  const hash = hashMeasuredAgain(attributes);
  let slots = series.get(hash);
  if (slots === undefined) {
    if (!isLimited && series.size >= MAX_SERIES) return;
    series.set(hash, (slots = []));
  }
  (slots[bucket] ??= new Slot()).take(span, value, time);
}

/** The exemplars of one series, by bucket; those of a counter are those of its only bucket. */
export function exemplarsOf(
  instrument: object,
  attributes: Readonly<Attributes>,
): readonly (Exemplar | undefined)[] {
  const slots = reservoirs.get(instrument)?.get(hashAttributes(attributes)) ?? [];
  return Array.from(slots, (slot) => slot?.read());
}

function isSampled(span: Span): boolean {
  const flags = span instanceof LocalSpan ? span.traceFlags : span.spanContext().traceFlags;
  return (flags & TraceFlags.SAMPLED) !== 0;
}
