import { type Attributes, context as contextApi, type Span, trace } from '@opentelemetry/api';

import { hexOf, type TraceId } from '../engine/local-span.js';
import { isSampled, localIdsOf } from '../engine/span-view.js';
import { hashAttributes, hashMeasuredAgain } from './attribute-hashes.js';
import { findMetricsSdkInternals, type MeasurementStorage } from './sdk-internals.js';

/** One measurement that was made inside a sampled span. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Series of an instrument with exemplars, where the instrument itself is not limited for life. */
const MAX_SERIES = 2_000;

/** The newest exemplar of a series and bucket; overwritten, so that nothing is allocated. */
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
    const ids = localIdsOf(span);
    if (ids !== undefined) {
      this.trace = ids.traceId;
      this.idHigh = ids.idHigh;
      this.idLow = ids.idLow;
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

/** The slots of one instrument: by series, by bucket. */
type Reservoir = Map<string, (Slot | undefined)[]>;

/** By the descriptor of the instrument, which the SDK hands on with its data. */
const reservoirs = new WeakMap<object, Reservoir>();

/** Where a storage remembers its reservoir: to look into the map takes a tenth of a measurement. */
const RESERVOIR = Symbol('exemplars');

function reservoirOf(storage: MeasurementStorage & { [RESERVOIR]?: Reservoir }): Reservoir {
  if (storage[RESERVOIR] !== undefined) return storage[RESERVOIR];
  const descriptor = storage._instrumentDescriptor;
  const reservoir: Reservoir = reservoirs.get(descriptor) ?? new Map<string, (Slot | undefined)[]>();
  reservoirs.set(descriptor, reservoir);
  return (storage[RESERVOIR] = reservoir);
}

/** The exemplars of one series, by bucket; those of a counter are those of its only bucket. */
export function exemplarsOf(
  instrument: object,
  attributes: Readonly<Attributes>,
): readonly (Exemplar | undefined)[] {
  const slots = reservoirs.get(instrument)?.get(hashAttributes(attributes)) ?? [];
  return Array.from(slots, (slot) => slot?.read());
}

const KEEPING = Symbol.for('nestjs-telemetry.keeps-exemplars');

let keeping = false;

/**
 * Lets all histograms and counters, also those of other libraries, keep for each series and bucket
 * the newest measurement that was made inside a sampled span: `exemplarsOf()` returns them.
 * OpenTelemetry's SDK for JavaScript has no exemplars.
 *
 * @param wanted false keeps none from now on
 * @returns whether the structure of the SDK is known; otherwise nothing is changed
 */
export function keepExemplars(wanted: boolean): boolean {
  keeping = wanted;
  if (!wanted) return true;
  const prototype = findMetricsSdkInternals()?.storage;
  if (prototype === undefined) return false;
  if (Object.hasOwn(prototype, KEEPING)) return true;
  const methods: Partial<MeasurementStorage> & ThisType<MeasurementStorage> = {
    record(value, attributes, given, time) {
      const delta = this._deltaMetricStorage;
      const context = given ?? contextApi.active();
      // What a view leaves of the attributes is what the series is known by.
      const kept = this._attributesProcessor?.process(attributes, context) ?? attributes;
      const limited = delta.record(value, kept, time);
      if (!keeping) return;
      const { _aggregator: aggregator } = delta;
      if (aggregator._boundaries === undefined && this._instrumentDescriptor.type !== 'COUNTER') return;
      const span = trace.getSpan(context);
      if (span === undefined || Number.isNaN(value) || !isSampled(span)) return;
      const reservoir = reservoirOf(this);
      const hash = hashMeasuredAgain(limited ?? kept);
      let slots = reservoir.get(hash);
      if (slots === undefined) {
        // The series of a limited instrument are bounded already.
        if (limited === undefined && reservoir.size >= MAX_SERIES) return;
        reservoir.set(hash, (slots = []));
      }
      (slots[bucketOf(value, aggregator._boundaries)] ??= new Slot()).take(span, value, time);
    },
  };
  Object.assign(prototype, methods, { [KEEPING]: true });
  return true;
}

/** The bucket whose upper boundary, which it includes, is the first not below the value. */
function bucketOf(value: number, boundaries: readonly number[] = []): number {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((boundaries[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
