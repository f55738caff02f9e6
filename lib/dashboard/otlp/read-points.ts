import { getOrAdd } from '../get-or-add.js';
import { MAX_NAME } from '../sqlite/describe-rows.js';
import {
  type StoredExemplar,
  type StoredInstrument,
  type StoredInstrumentType,
  type StoredPoint,
} from '../sqlite/rows.interface.js';
import { addedSince, type PointTotal } from '../sqlite/running-totals.js';
import { type Steps } from '../steps.js';
import { type ItemCollector, type ReadItems, readRows, type Sender } from './read-items.js';
import { isPointError, readTotal } from './read-totals.js';
import {
  attributesAt,
  finiteAt,
  idAt,
  integerAt,
  ItemRoom,
  listAt,
  microsecondsAt,
  objectAt,
  textAt,
} from './read-values.js';
import { RequestBudget } from './request-limits.js';

type Fields = Readonly<Record<string, unknown>>;

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` of OTLP. */
const CUMULATIVE = 2;
/** `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK` of OTLP: the series has ended. */
const NO_RECORDED_VALUE = 1;
/** Exemplars of one data point. */
const MAX_EXEMPLARS = 100;
/** Series of senders whose totals are remembered; beyond that, all are forgotten and start again. */
const MAX_SERIES = 20_000;
/** What they may take together, in characters and buckets. */
const MAX_WEIGHT = 16_777_216;

/** The fields of a metric one of which holds its data points. */
const FORMS = ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const;
type Form = (typeof FORMS)[number];

/** An instrument of a sender, and what its series said last, by their attributes. */
interface KnownInstrument {
  readonly instrument: StoredInstrument;
  readonly totals: Map<string, PointTotal>;
}

/** Turns metrics of other services into rows; running totals are set against what the sender said before. */
export class PointReader {
  /** By the attributes of the sender, and by the instrument. */
  private readonly senders = new Map<string, Map<string, KnownInstrument>>();
  private series = 0;
  private weight = 0;

  /**
   * The rows of an `ExportMetricsServiceRequest`, in steps.
   *
   * @throws DashboardError 400 when it is none, 413 beyond the budget
   */
  readPointRows(
    request: Fields,
    budget = new RequestBudget(),
    now = Date.now(),
  ): Steps<ReadItems<StoredPoint>> {
    return readRows('metrics', request, budget, (metric, sender, collector) =>
      this.readMetric(metric, sender, collector, now),
    );
  }

  private *readMetric(
    metric: Fields,
    sender: Sender,
    collector: ItemCollector<StoredPoint>,
    now: number,
  ): Generator<undefined> {
    const form = FORMS.find((field) => metric[field] !== undefined);
    if (form === undefined || textAt(metric, 'name') === '') {
      const lost = listAt(objectAt(metric, form ?? 'summary'), 'dataPoints').length;
      collector.reject('a metric needs a name and a gauge, sum or histogram', Math.max(1, lost));
      return;
    }
    const data = objectAt(metric, form);
    const known = this.instrumentOf(metric, typeOf(form, data), sender);
    const isRunning = known.instrument.type === 'counter' || known.instrument.type === 'histogram';
    const isCumulative = isRunning && isCumulativeIn(data);
    for (const point of listAt(data, 'dataPoints')) {
      this.readPoint(point, form, known, isCumulative, collector, now);
      yield;
    }
  }

  private readPoint(
    point: Fields,
    form: Form,
    known: KnownInstrument,
    isCumulative: boolean,
    collector: ItemCollector<StoredPoint>,
    now: number,
  ): void {
    if (((finiteAt(point, 'flags') ?? 0) & NO_RECORDED_VALUE) !== 0) return;
    const time = timeOf(point, now);
    if (time === undefined) {
      collector.reject(
        'timeUnixNano of a data point must be nanoseconds since the epoch, at most a day ahead',
      );
      return;
    }
    const total = readTotal(point, form);
    if (isPointError(total)) {
      collector.reject(total.reason);
      return;
    }
    const room = new ItemRoom();
    const attributes = sortedText(attributesAt(point, room));
    const added = isCumulative ? this.addedTo(known, attributes, total) : total;
    if (added === undefined) return;
    const exemplars = listAt(point, 'exemplars')
      .slice(0, MAX_EXEMPLARS)
      .map((exemplar) => readExemplar(exemplar, now))
      .filter((each) => each !== undefined);
    collector.add(
      {
        instrument: known.instrument,
        attributes,
        time,
        value: added.value,
        count: added.count,
        ...(known.instrument.type === 'histogram' && {
          boundaries: added.boundaries,
          buckets: added.buckets,
          min: added.min,
          max: added.max,
        }),
        ...(exemplars.length > 0 && { exemplars }),
      },
      room.isCut,
    );
  }

  /** What came since the last time; undefined the first time, when the start of its counting is unknown. */
  private addedTo(
    { totals }: KnownInstrument,
    attributes: string,
    total: PointTotal,
  ): PointTotal | undefined {
    const before = totals.get(attributes);
    if (before === undefined) {
      this.series += 1;
      this.addWeight(attributes.length + total.buckets.size);
    } else this.addWeight(total.buckets.size - before.buckets.size);
    totals.set(attributes, total);
    if (before === undefined) return undefined;
    const added = addedSince(total, before);
    // Two totals of opposite sign may be further apart than a number can say.
    return Number.isFinite(added.value) ? added : undefined;
  }

  private instrumentOf(
    metric: Fields,
    type: StoredInstrumentType,
    { resource, scope }: Sender,
  ): KnownInstrument {
    const [name, unit] = [nameAt(metric, 'name'), nameAt(metric, 'unit')];
    const instruments = getOrAdd(this.senders, resource.attributes, () => {
      this.addWeight(resource.attributes.length);
      return new Map<string, KnownInstrument>();
    });
    const key = `${scope}\n${name}\n${unit}\n${type}`;
    return getOrAdd(instruments, key, () => {
      const description = nameAt(metric, 'description');
      this.series += 1;
      this.addWeight(2 * key.length + description.length);
      return { instrument: { resource, scope, name, description, unit, type }, totals: new Map() };
    });
  }

  /** To be called before something is remembered. */
  private addWeight(weight: number): void {
    this.weight += weight;
    if (this.series <= MAX_SERIES && this.weight <= MAX_WEIGHT) return;
    this.senders.clear();
    this.series = 0;
    this.weight = 0;
  }
}

function typeOf(form: Form, data: Fields): StoredInstrumentType {
  if (form === 'gauge') return 'gauge';
  if (form !== 'sum') return 'histogram';
  return data.isMonotonic === true ? 'counter' : 'updowncounter';
}

function nameAt(metric: Fields, field: string): string {
  return textAt(metric, field).slice(0, MAX_NAME);
}

/** Milliseconds. 0 is how protobuf says that there is none; undefined for what is no time. */
function timeOf(point: Fields, now: number): number | undefined {
  const written = point.timeUnixNano;
  if (written === undefined || written === null) return now;
  const time = microsecondsAt(point, 'timeUnixNano', now);
  return time === 0 ? now : time && time / 1_000;
}

/** JSON may have the name of the enumeration instead of its number. */
function isCumulativeIn(data: Fields): boolean {
  const temporality = data.aggregationTemporality;
  return temporality === CUMULATIVE || temporality === 'AGGREGATION_TEMPORALITY_CUMULATIVE';
}

function readExemplar(exemplar: Fields, now: number): StoredExemplar | undefined {
  const traceId = idAt(exemplar, 'traceId', 32);
  const spanId = idAt(exemplar, 'spanId', 16);
  const value =
    finiteAt(exemplar, 'asDouble') ??
    integerAt(exemplar, 'asInt', [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
  const time = microsecondsAt(exemplar, 'timeUnixNano', now);
  if (traceId === undefined || spanId === undefined || value === undefined || time === undefined)
    return undefined;
  return { traceId, spanId, value, time: time / 1_000 };
}

/** Equal attributes give equal texts. */
function sortedText(attributes: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}
