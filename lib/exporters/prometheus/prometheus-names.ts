import { type Attributes } from '@opentelemetry/api';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';

import { attributeText } from '../attribute-text.js';
import { prometheusUnit } from './prometheus-units.js';

/** For a name of which no character is left. */
const UNNAMED = 'unnamed';

/**
 * The name of a metric's family in Prometheus, without the prefix: with its unit, unless that stands in it already, and
 * without the `_total` that the samples of a counter end in.
 *
 * @param isPrefixed a prefix comes before it, so it may start with a digit
 */
export function familyName(metric: MetricData, isPrefixed = false): string {
  const { dataPointType, descriptor } = metric;
  const isCounter = dataPointType === DataPointType.SUM && metric.isMonotonic;
  const unit = prometheusUnit(descriptor.unit, { gauge: dataPointType === DataPointType.GAUGE });
  const plain = sanitize(descriptor.name);
  const name = isCounter ? plain.replace(/_total$/, '') : plain;
  const words = name.split('_');
  const saysUnit = unit === undefined || words.includes(unit) || words.includes(descriptor.unit);
  const full = saysUnit ? name : sanitize(`${name}_${unit}`);
  if (full === '' || full === '_') return UNNAMED;
  return !isPrefixed && /^[0-9]/.test(full) ? `_${full}` : full;
}

/**
 * Attributes with the names that Prometheus allows. One name twice in a series, or a name that starts with a digit,
 * would make Prometheus refuse everything that was scraped: values of equal names are joined with a semicolon. A label
 * without a value is no label for Prometheus, so it is left out; half a surrogate pair cannot be sent, so it is replaced.
 *
 * @param reserved label names that the metric writes itself (`le` of a histogram); ours are prefixed `exported_`
 */
export function prometheusLabels(attributes: Attributes, reserved?: string): Attributes {
  const labels: Record<string, string> = {};
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const label = labelName(key, reserved);
    const text = attributeText(value).toWellFormed();
    if (text === '') continue;
    const known = labels[label];
    labels[label] = known === undefined ? text : `${known};${text}`;
  }
  return labels;
}

function labelName(key: string, reserved: string | undefined): string {
  const name = sanitize(key);
  if (name === reserved) return `exported_${name}`;
  return /^[0-9]/.test(name) || name === '' ? `_${name}` : name;
}

/** @param name of any type: OpenTelemetry's API only warns about a name that is none */
function sanitize(name: unknown): string {
  return String(name)
    .replace(/[^a-z0-9_]/gi, '_')
    .replace(/_{2,}/g, '_');
}
