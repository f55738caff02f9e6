import { createRequire } from 'node:module';
import { join } from 'node:path';

export interface ParsedSeries {
  readonly labels?: Record<string, string>;
  readonly value: string;
}

export interface ParsedFamily {
  readonly type: 'COUNTER' | 'GAUGE' | 'UNTYPED';
  readonly metrics: readonly ParsedSeries[];
}

// The package has no types.
const parse = createRequire(join(process.cwd(), 'package.json'))('parse-prometheus-text-format') as (
  text: string,
) => (ParsedFamily & { readonly name: string })[];

/**
 * Metric families of a scrape by name, as a parser reads them that is not ours. It folds a histogram into one object
 * and loses the labels on the way, so histograms are shown to it as what they are on the wire: series called
 * `…_bucket`, `…_count` and `…_sum`.
 */
export function parseMetrics(text: string): Record<string, ParsedFamily> {
  const families: Record<string, ParsedFamily> = {};
  for (const { name, type, metrics } of parse(text.replace(/^# TYPE \S+ histogram$/gm, ''))) {
    families[name] = { type, metrics: [...(families[name]?.metrics ?? []), ...metrics] };
  }
  return families;
}
