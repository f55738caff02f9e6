import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { familyName } from './prometheus-names.js';
import { prometheusUnit } from './prometheus-units.js';

/** What a metric is for Prometheus. */
export type FamilyKind = 'counter' | 'gauge' | 'histogram';

/** Suffixes of the names that a family of each kind may write, beside its own name. */
const SUFFIXES: Readonly<Record<FamilyKind, readonly string[]>> = {
  counter: ['', '_total', '_created'],
  gauge: [''],
  histogram: ['', '_bucket', '_count', '_sum', '_created'],
};

/** What the resource is written as. */
const TAKEN = ['target', 'target_info'];

/** One metric family of a scrape. */
export interface FamilyName {
  readonly kind: FamilyKind;
  /** Without prefix, and without the `_total` of a counter. */
  readonly name: string;
}

/**
 * Gives each instrument the name of its family, the same at every scrape. Names that are different in OpenTelemetry may
 * be one in Prometheus, or one may be a name that the other writes its samples with (`orders_count` of a histogram
 * `orders`). Prometheus refuses or mixes up such a scrape, so the instrument that comes second gets a number.
 */
export class PrometheusFamilies {
  private readonly families = new Map<string, FamilyName>();
  /** Who writes each name, prefix included. */
  private readonly owners = new Map<string, string>(TAKEN.map((name) => [name, 'the resource']));

  constructor(private readonly prefix?: string) {}

  /**
   * The family of a metric; undefined for a kind that Prometheus' text formats cannot show. The same instrument in several
   * scopes is one family.
   */
  familyOf(metric: MetricData): FamilyName | undefined {
    const kind = kindOf(metric);
    if (kind === undefined) return undefined;
    const { name, unit } = metric.descriptor;
    const word = prometheusUnit(unit, { gauge: metric.dataPointType === DataPointType.GAUGE }) ?? '';
    const identity = JSON.stringify([name, metric.dataPointType, kind, word]);
    let family = this.families.get(identity);
    if (family === undefined) {
      family = this.claim(metric, kind);
      this.families.set(identity, family);
    }
    return family;
  }

  /** The name with the prefix, as the family is written. */
  fullName(name: string): string {
    return this.prefix === undefined ? name : `${this.prefix}_${name}`;
  }

  private claim(metric: MetricData, kind: FamilyKind): FamilyName {
    const wanted = familyName(metric, this.prefix !== undefined);
    let name = wanted;
    let owner: string | undefined;
    for (let number = 2; ; number += 1) {
      const taken = this.ownerOf(name, kind);
      if (taken === undefined) break;
      owner ??= taken;
      name = `${wanted}_${number}`;
    }
    const description = `the ${kind} '${metric.descriptor.name}'`;
    for (const each of this.namesOf(name, kind)) this.owners.set(each, description);
    if (owner !== undefined) this.warn(description, name, kind, owner);
    return { kind, name };
  }

  private ownerOf(name: string, kind: FamilyKind): string | undefined {
    for (const each of this.namesOf(name, kind)) {
      const owner = this.owners.get(each);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }

  private namesOf(name: string, kind: FamilyKind): string[] {
    const full = this.fullName(name);
    return SUFFIXES[kind].map((suffix) => full + suffix);
  }

  private warn(description: string, name: string, kind: FamilyKind, owner: string): void {
    const shown = this.fullName(name) + (kind === 'counter' ? '_total' : '');
    warnOnce(
      `prometheus-name:${shown}`,
      `${description} is called ${shown} in Prometheus, because ${owner} writes samples of the name it would have. ` +
        'Rename one of them.',
    );
  }
}

function kindOf(metric: MetricData): FamilyKind | undefined {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return metric.isMonotonic ? 'counter' : 'gauge';
    case DataPointType.GAUGE:
      return 'gauge';
    case DataPointType.HISTOGRAM:
      return 'histogram';
    default:
      return undefined;
  }
}
