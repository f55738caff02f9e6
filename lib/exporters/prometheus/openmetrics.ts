import type { Attributes } from '@opentelemetry/api';
import { type DataPoint, DataPointType, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics';

import type { Exemplar } from '../../metrics-sdk/exemplars.js';
import { exemplarsOfPoint, type PrometheusMetrics } from './merge-scopes.js';

export const OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Units that a name may end in: OpenMetrics declares them in a line as well. */
const UNITS = ['seconds', 'bytes', 'ratio', 'milliseconds'] as const;

/**
 * Renders the metrics of `mergeScopes()` in OpenMetrics 1.0, with the exemplars of their series:
 * `trace_id` and `span_id`, the names that Grafana expects. `@opentelemetry/exporter-prometheus`
 * writes only the classic text format, which has no exemplars.
 */
export function renderOpenMetrics(
  { target, metrics }: PrometheusMetrics,
  prefix: string | undefined,
): string {
  const lines: string[] = ['# TYPE target info', '# HELP target Target metadata'];
  lines.push(`target_info${renderLabels(target)} 1`);
  for (const metric of metrics) renderFamily(lines, metric, prefix);
  lines.push('# EOF', '');
  return lines.join('\n');
}

function renderFamily(lines: string[], metric: MetricData, prefix: string | undefined): void {
  const { descriptor, dataPointType } = metric;
  const full = prefix === undefined ? descriptor.name : `${prefix}_${descriptor.name}`;
  const isCounter = dataPointType === DataPointType.SUM && metric.isMonotonic;
  // The name of a counter's family has no `_total`; its samples have.
  const name = isCounter ? full.replace(/_total$/, '') : full;
  const isHistogram = dataPointType === DataPointType.HISTOGRAM;
  lines.push(`# TYPE ${name} ${isCounter ? 'counter' : isHistogram ? 'histogram' : 'gauge'}`);
  const unit = UNITS.find((each) => name.endsWith(`_${each}`));
  if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`);
  if (descriptor.description !== '') lines.push(`# HELP ${name} ${escape(descriptor.description)}`);
  for (const point of metric.dataPoints as DataPoint<number | Histogram>[]) {
    const exemplars = exemplarsOfPoint(point);
    if (typeof point.value !== 'number')
      renderHistogram(lines, name, point.attributes, point.value, exemplars);
    else
      lines.push(
        `${isCounter ? `${name}_total` : name}${renderLabels(point.attributes)} ${renderNumber(point.value)}` +
          (isCounter ? renderExemplar(exemplars[0]) : ''),
      );
  }
}

function renderHistogram(
  lines: string[],
  name: string,
  labels: Attributes,
  { buckets, count, sum }: Histogram,
  exemplars: readonly (Exemplar | undefined)[],
): void {
  let cumulative = 0;
  for (const [index, bucketCount] of buckets.counts.entries()) {
    cumulative += bucketCount;
    const boundary = buckets.boundaries[index] ?? Infinity;
    lines.push(
      `${name}_bucket${renderLabels({ ...labels, le: renderFloat(boundary) })} ${cumulative}` +
        renderExemplar(exemplars[index]),
    );
  }
  // OpenMetrics forbids a sum that may decrease (values below zero), and a count without a sum.
  if (sum === undefined || (buckets.boundaries[0] ?? 0) < 0) return;
  lines.push(`${name}_count${renderLabels(labels)} ${count}`);
  lines.push(`${name}_sum${renderLabels(labels)} ${renderNumber(sum)}`);
}

function renderExemplar(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, spanId, value, time } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${renderNumber(value)} ${(time / 1_000).toFixed(3)}`;
}

function renderLabels(labels: Attributes): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escape(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

function renderNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

/** Writes the boundary of a bucket as OpenMetrics requires: `1.0`, not `1`. */
function renderFloat(value: number): string {
  const text = renderNumber(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

const OPENMETRICS = 'application/openmetrics-text';
const VERSIONS = new Set(['1.0.0', '0.0.1']);

/** Whether an `Accept` header prefers OpenMetrics, by its `q`, to the classic text format. */
export function acceptsOpenMetrics(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const ranges = accept.split(',').map(parseRange);
  const best = (matches: (type: string) => boolean): number =>
    Math.max(0, ...ranges.filter(({ type }) => matches(type)).map(({ quality }) => quality));
  const open = ranges
    .filter(({ type, version }) => type === OPENMETRICS && (version === undefined || VERSIONS.has(version)))
    .map(({ quality }) => quality);
  // On a tie, or for `*/*`, the classic text format is sent, which every scraper understands.
  return Math.max(0, ...open) > best((type) => type === 'text/plain' || type === 'text/*') && open.length > 0;
}

function parseRange(range: string): { type: string; version: string | undefined; quality: number } {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const valueOf = (name: string): string | undefined =>
    parameters
      .find((parameter) => parameter.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replace(/^"|"$/g, '');
  const quality = Number(valueOf('q') ?? 1);
  return { type, version: valueOf('version'), quality: Number.isFinite(quality) ? quality : 0 };
}
