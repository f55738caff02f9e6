import { type Attributes } from '@opentelemetry/api';

import { warnOnce } from '../errors/warnings.js';
import { processWide } from '../process/process-wide.js';
import { hashAttributes } from '../recording/hash-attributes.js';

/** The attributes of the series that takes what exceeds the limit, as the specification has them. */
export const OVERFLOW: Readonly<Attributes> = Object.freeze({ 'otel.metric.overflow': true });
export const OVERFLOW_HASH = hashAttributes(OVERFLOW);

/** One instrument that has reached its limit. */
export interface SeriesLimitReport {
  readonly instrument: string;
  /** Series it may have, including the one for the overflow. */
  readonly limit: number;
  /** The attribute with the most distinct values when the limit was reached; undefined for a limit of 1. */
  readonly attribute: string | undefined;
  /** How many distinct values that attribute had. */
  readonly values: number;
  /** Measurements that were added to the series of the overflow since. */
  readonly overflowed: number;
}

/** Instruments that have reached their limits, by name; those of several readers count as one. */
const reached = processWide('series-limits', () => new Map<string, SeriesLimit>());

/** The instruments of this process that have reached their limits. */
export function seriesLimitReports(): SeriesLimitReport[] {
  return [...reached.values()].map((limit) => limit.report());
}

/** Forgets the instruments of a runtime that has stopped. */
export function resetSeriesLimits(): void {
  reached.clear();
}

/**
 * Decides which series an instrument may have, for as long as it lives: the first `limit - 1`, and one for everything
 * else. The SDK counts anew after each collection, so that every collection could add as many again.
 */
export class SeriesLimit {
  private readonly admitted = new Set<string>();
  private attribute: string | undefined;
  private values = 0;
  private overflowed = 0;

  constructor(
    private readonly instrument: string,
    readonly limit: number,
  ) {}

  /** Whether the attributes with this hash have, or now get, a series to themselves. */
  admits(hash: string): boolean {
    if (this.admitted.has(hash)) return true;
    if (hash === OVERFLOW_HASH) return false;
    if (this.admitted.size < this.limit - 1) {
      this.admitted.add(hash);
      return true;
    }
    if (this.overflowed === 0) this.warn();
    this.overflowed += 1;
    return false;
  }

  report(): SeriesLimitReport {
    const { instrument, limit, attribute, values, overflowed } = this;
    return { instrument, limit, attribute, values, overflowed };
  }

  private warn(): void {
    const { instrument, limit } = this;
    [this.attribute, this.values] = mostDistinct(this.admitted);
    if (!reached.has(instrument)) reached.set(instrument, this);
    const series = `${limit.toLocaleString('en')} series`;
    const culprit =
      this.attribute === undefined
        ? ''
        : ` The attribute '${this.attribute}' has the most distinct values (${this.values.toLocaleString('en')}).`;
    warnOnce(
      `metrics:cardinality:${instrument}`,
      `The instrument '${instrument}' has reached its limit of ${series}: measurements with further sets of ` +
        `attributes are added to the series otel.metric.overflow="true" until the process restarts.${culprit} Leave ` +
        'that attribute out or drop it with a view (attributesProcessors), or raise the limit: ' +
        `cardinalityLimits: { ${JSON.stringify(instrument)}: ${limit * 10} }.`,
    );
  }
}

/** The attribute with the most distinct values in these hashes, which are lists of names and values as JSON. */
function mostDistinct(hashes: Iterable<string>): [attribute: string | undefined, values: number] {
  const values = new Map<string, Set<string>>();
  for (const hash of hashes) {
    if (hash === '') continue;
    for (const [name, value] of JSON.parse(hash) as [string, unknown][]) {
      let known = values.get(name);
      if (known === undefined) values.set(name, (known = new Set()));
      known.add(JSON.stringify(value));
    }
  }
  let most: [string | undefined, number] = [undefined, 0];
  for (const [name, { size }] of values) if (size > most[1]) most = [name, size];
  return most;
}
