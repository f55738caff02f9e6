import { type Histogram } from '@opentelemetry/sdk-metrics';

import type { Exemplar } from '../../metrics-sdk/exemplars.js';
import { type MetricFamily, type PrometheusMetrics, type Series } from './merge-scopes.js';
import { escapeLabel } from './prometheus-names.js';

/** What the two text formats of Prometheus write differently. */
interface TextFormat {
  readonly contentType: string;
  /** The lines before the samples of a family; `name` without the `_total` of a counter. */
  head(name: string, family: Pick<MetricFamily, 'kind' | 'description'>): string;
  readonly targetHead: string;
  boundary(value: number): string;
  exemplar(exemplar: Exemplar | undefined): string;
  /** The lines of count and sum. */
  totals(name: string, labels: string, histogram: Histogram): string;
  readonly totalsFirst: boolean;
  /** What follows the last family. */
  end(isEmpty: boolean): string;
}

/** Units that a name may end in: OpenMetrics declares them in a line as well. */
const UNITS = ['seconds', 'bytes', 'ratio', 'milliseconds'] as const;

/** OpenMetrics 1.0, with exemplars as `trace_id` and `span_id`, the names that Grafana expects. */
export const OPENMETRICS_TEXT: TextFormat = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  targetHead: '# TYPE target info\n# HELP target Target metadata\n',
  head(name, { kind, description }) {
    const unit = UNITS.find((each) => name.endsWith(`_${each}`));
    return (
      `# TYPE ${name} ${kind}\n` +
      (unit === undefined ? '' : `# UNIT ${name} ${unit}\n`) +
      (description === '' ? '' : `# HELP ${name} ${escapeLabel(description)}\n`)
    );
  },
  // `1.0`, not `1`.
  boundary: (value) => {
    const text = renderNumber(value);
    return /^-?\d+$/.test(text) ? `${text}.0` : text;
  },
  exemplar: (exemplar) => {
    if (exemplar === undefined) return '';
    const { traceId, spanId, value, time } = exemplar;
    return ` # {trace_id="${traceId}",span_id="${spanId}"} ${renderNumber(value)} ${(time / 1_000).toFixed(3)}`;
  },
  totals: (name, labels, { count, sum, buckets }) =>
    // OpenMetrics forbids a sum that may decrease (values below zero), and a count without a sum.
    sum === undefined || (buckets.boundaries[0] ?? 0) < 0
      ? ''
      : `${name}_count${labels} ${count}\n${name}_sum${labels} ${renderNumber(sum)}\n`,
  totalsFirst: false,
  end: () => '# EOF\n',
};

/** The classic text format, which all scrapers understand. */
export const CLASSIC_TEXT: TextFormat = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  targetHead: '# HELP target_info Target metadata\n# TYPE target_info gauge\n',
  head(name, { kind, description }) {
    const full = kind === 'counter' ? `${name}_total` : name;
    const help = description === '' ? 'description missing' : escapeHelp(description);
    return `# HELP ${full} ${help}\n# TYPE ${full} ${kind}\n`;
  },
  boundary: (value) => renderNumber(value),
  exemplar: () => '',
  totals: (name, labels, { count, sum }) =>
    `${name}_count${labels} ${count}\n` +
    (sum === undefined ? '' : `${name}_sum${labels} ${renderNumber(sum)}\n`),
  totalsFirst: true,
  end: (isEmpty) => (isEmpty ? '# no registered metrics\n' : ''),
};

/** Series between two looks at the clock. */
const SERIES_PER_STEP = 8;

/** Renders the metrics of `mergeScopes()`, a few series at a time. */
export function* renderMetrics(
  { target, families }: PrometheusMetrics,
  prefix: string | undefined,
  format: TextFormat,
): Generator<string, void, undefined> {
  yield `${format.targetHead}target_info${inBraces(target)} 1\n`;
  for (const family of families) {
    const name = prefix === undefined ? family.name : `${prefix}_${family.name}`;
    const write = writerFor(name, family, format);
    let lines = format.head(name, family);
    let count = 0;
    for (const series of family.series) {
      lines += write(series);
      count += 1;
      if (count % SERIES_PER_STEP > 0) continue;
      yield lines;
      lines = '';
    }
    yield lines;
  }
  yield format.end(families.length === 0);
}

type WriteSeries = (series: Series) => string;

function writerFor(name: string, { kind }: MetricFamily, format: TextFormat): WriteSeries {
  if (kind === 'gauge') return ({ labels, value }) => sample(name, labels, value);
  if (kind === 'counter')
    return ({ labels, value, exemplars }) =>
      sample(`${name}_total`, labels, value, format.exemplar(exemplars[0]));
  return histogramWriter(name, format);
}

function sample(name: string, labels: string, value: Series['value'], exemplar = ''): string {
  return typeof value === 'number' ? `${name}${inBraces(labels)} ${renderNumber(value)}${exemplar}\n` : '';
}

/** The series of an instrument have the same boundaries, whose texts are made once. */
function histogramWriter(name: string, format: TextFormat): WriteSeries {
  let known: readonly number[] | undefined;
  let boundaries: string[] = [];
  return ({ labels, value, exemplars }) => {
    if (typeof value === 'number') return '';
    const { buckets } = value;
    if (buckets.boundaries !== known) {
      known = buckets.boundaries;
      boundaries = [...known, Infinity].map((each) => format.boundary(each));
    }
    const head = `${name}_bucket{${labels === '' ? '' : `${labels},`}le="`;
    let lines = '';
    let cumulative = 0;
    for (let index = 0; index < buckets.counts.length; index += 1) {
      cumulative += buckets.counts[index] ?? 0;
      const exemplar = exemplars[index];
      lines += `${head}${boundaries[index] ?? ''}"} ${cumulative}${exemplar === undefined ? '' : format.exemplar(exemplar)}\n`;
    }
    const totals = format.totals(name, inBraces(labels), value);
    return format.totalsFirst ? totals + lines : lines + totals;
  };
}

function inBraces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function renderNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
