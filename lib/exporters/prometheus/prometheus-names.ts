import { type Attributes } from '@opentelemetry/api';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';

import { attributeText } from '../attribute-text.js';
import { prometheusUnit } from './prometheus-units.js';

/**
 * The name under which Prometheus will know a metric, save the prefix: with its unit, and `_total` for a counter, unless
 * they stand in it already. Two metrics of one name must become one.
 */
export function prometheusName(metric: MetricData): string {
  const { dataPointType, descriptor } = metric;
  const isCounter = dataPointType === DataPointType.SUM && metric.isMonotonic;
  const unit = prometheusUnit(descriptor.unit, { gauge: dataPointType === DataPointType.GAUGE });
  const name = sanitize(descriptor.name).replace(isCounter ? /_total$/ : /$^/, '');
  const words = name.split('_');
  const saysUnit = unit === undefined || words.includes(unit) || words.includes(descriptor.unit);
  const withUnit = saysUnit ? name : `${name}_${unit}`;
  return isCounter ? `${withUnit}_total` : withUnit;
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
