import { type Attributes } from '@opentelemetry/api';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';

import { attributeText } from '../attribute-text.js';

/** The name under which Prometheus will know a metric, save the prefix; two metrics of one name must become one. */
export function prometheusName(metric: MetricData): string {
  const name = sanitize(metric.descriptor.name);
  const isCounter = metric.dataPointType === DataPointType.SUM && metric.isMonotonic;
  return isCounter && !name.endsWith('_total') ? `${name}_total` : name;
}

/**
 * Attributes with the names that Prometheus allows. One name twice in a series, or a name that starts with a digit,
 * would make Prometheus refuse everything that was scraped: values of equal names are joined with a semicolon.
 *
 * @param reserved label names that the metric writes itself (`le` of a histogram); ours are prefixed `exported_`
 */
export function prometheusLabels(attributes: Attributes, reserved?: string): Attributes {
  const labels: Record<string, string> = {};
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined) continue;
    const label = labelName(key, reserved);
    const known = labels[label];
    labels[label] = known === undefined ? attributeText(value) : `${known};${attributeText(value)}`;
  }
  return labels;
}

function labelName(key: string, reserved: string | undefined): string {
  const name = sanitize(key);
  if (name === reserved) return `exported_${name}`;
  return /^[0-9]/.test(name) || name === '' ? `_${name}` : name;
}

function sanitize(name: string): string {
  return name.replace(/[^a-z0-9_]/gi, '_').replace(/_{2,}/g, '_');
}
