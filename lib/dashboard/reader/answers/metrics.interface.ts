import { type ExemplarAnswer } from './answer-parts.interface.js';

export interface InstrumentAnswer {
  /** Tells instruments apart: any whole number below 2^53, the same as long as the instrument is stored. Pass it to `chart()`. */
  readonly id: number;
  readonly service: string;
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly type: 'counter' | 'updowncounter' | 'gauge' | 'histogram';
  /** Attribute names and the values seen. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** A line of a chart; every list has an entry per bucket, null where nothing was recorded. */
export interface ChartSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /**
   * Gauge: the lowest and the highest value of each bucket. Histogram: the bounds between which the quantile lies. Undefined for
   * others.
   */
  readonly min?: readonly (number | null)[];
  readonly max?: readonly (number | null)[];
}

/**
 * An instrument over time. A counter is a rate per second, a histogram three quantiles, of which none is above the highest or below the
 * lowest value that was recorded. Anything else is its value, of a name that ends in `.max` the highest, in `.min` the lowest of each
 * bucket. The value of an exemplar is what was measured, of a counter what was added.
 */
export interface ChartAnswer {
  readonly instrument: InstrumentAnswer;
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  /** Of each bucket the largest of a trace without failed spans, and of one with. */
  readonly exemplars: readonly ExemplarAnswer[];
}
