import { type DataPoint, type MetricData } from '@opentelemetry/sdk-metrics';

import {
  checkArgument,
  EXPECTED_SERIES,
  type ExpectedSeries,
  METRIC_NAME,
  readProbe,
} from './check-arguments.js';
import {
  type Difference,
  differingValues,
  matches,
  matchesText,
  show,
  showDifferences,
} from './compare-values.js';
import { type MatcherResult } from './matcher-result.js';
import { nearestOf } from './nearest.js';

const MAX_SHOWN = 20;

/** One series of a metric. */
interface Series {
  readonly metric: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: number;
  /** Of a histogram. */
  readonly sum: number | undefined;
}

/** Passes when the probe has such a series; metrics are collected now, so that it returns a promise. */
export async function toHaveRecorded(
  received: unknown,
  metric: string | RegExp,
  expected: ExpectedSeries = {},
): Promise<MatcherResult> {
  const records = readProbe('toHaveRecorded', received);
  checkArgument('toHaveRecorded', 'metric', metric, METRIC_NAME);
  checkArgument('toHaveRecorded', 'expected', expected, EXPECTED_SERIES);
  const all = (await records.metrics()).flatMap(seriesOf);
  const ofMetric = all.filter((series) => matchesText(series.metric, metric));
  const pass = ofMetric.some((series) => differencesOf(series, expected).length === 0);
  const criteria = Object.keys(expected).length === 0 ? '' : `, ${show(expected)}`;
  return {
    pass,
    message: () =>
      pass
        ? `expect(probe).not.toHaveRecorded(${show(metric)}${criteria})\n\n${describeSeries(ofMetric)}`
        : `expect(probe).toHaveRecorded(${show(metric)}${criteria})\n\n${explainAbsence(all, ofMetric, metric, expected)}`,
  };
}

function seriesOf({ descriptor, dataPoints }: MetricData): Series[] {
  const points: readonly DataPoint<number | { count: number; sum?: number }>[] = dataPoints;
  return points.map(({ attributes, value }) => ({
    metric: descriptor.name,
    attributes,
    ...(typeof value === 'object' ? { value: value.count, sum: value.sum } : { value, sum: undefined }),
  }));
}

function differencesOf(series: Series, expected: ExpectedSeries): Difference[] {
  const differences = differingValues(
    series.attributes,
    expected.attributes ?? {},
    (key) => `attributes[${JSON.stringify(key)}]`,
  );
  for (const what of ['value', 'sum'] as const) {
    const wanted = expected[what];
    if (wanted !== undefined && !matches(series[what], wanted))
      differences.push({ what, expected: wanted, received: series[what] });
  }
  return differences;
}

function explainAbsence(
  all: readonly Series[],
  ofMetric: readonly Series[],
  metric: string | RegExp,
  expected: ExpectedSeries,
): string {
  if (all.length === 0)
    return 'No metric was recorded. Is the code that records it called, and does the probe run?';
  if (ofMetric.length === 0) {
    const nearest = nearestOf(
      all.map((series) => ({
        item: series,
        differences: [{ what: 'name', expected: metric, received: series.metric }],
      })),
    );
    const names = [...new Set(all.map((series) => series.metric))].sort();
    const hint = nearest === undefined ? '' : ` The nearest name is "${nearest.item.metric}".`;
    return `No metric of that name was recorded.${hint}\n\nRecorded metrics:\n${bounded(names)}`;
  }
  const nearest = nearestOf(
    ofMetric.map((series) => ({ item: series, differences: differencesOf(series, expected) })),
  );
  const differences = nearest === undefined ? '' : showDifferences(nearest.differences);
  return `No series is like that. The nearest one differs in\n${differences}\n\n${describeSeries(ofMetric)}`;
}

function describeSeries(series: readonly Series[]): string {
  const lines = series.map(({ metric, attributes, value, sum }) => {
    const total = sum === undefined ? '' : ` (sum ${sum})`;
    return `${metric} ${show(attributes)} ${value}${total}`;
  });
  return `Recorded series:\n${bounded(lines)}`;
}

function bounded(lines: readonly string[]): string {
  const left = lines.length - MAX_SHOWN;
  const shown = lines.slice(0, MAX_SHOWN).map((line) => `  ${line}`);
  return [...shown, ...(left > 0 ? [`  … and ${left} more`] : [])].join('\n');
}
