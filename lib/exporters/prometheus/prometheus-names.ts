import type { Attributes } from '@opentelemetry/api';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { attributeText } from '../attribute-text.js';

/** The type of a metric in Prometheus. */
type FamilyKind = 'counter' | 'gauge' | 'histogram';

/** Suffixes of the sample names of each kind. */
const SUFFIXES: Readonly<Record<FamilyKind, readonly string[]>> = {
  counter: ['', '_total', '_created'],
  gauge: [''],
  histogram: ['', '_bucket', '_count', '_sum', '_created'],
};

/** Names of the resource. */
const TAKEN = ['target', 'target_info'];

/** One metric family of a scrape. */
export interface FamilyName {
  readonly kind: FamilyKind;
  /** Without prefix, and without the `_total` of a counter. */
  readonly name: string;
}

/**
 * Assigns a family name to each instrument, the same at every scrape. Names that differ in
 * OpenTelemetry may be equal in Prometheus, or one may be the sample name of another
 * (`orders_count` of a histogram `orders`). Prometheus refuses or mixes up such a scrape, so the
 * second instrument gets a number.
 */
export class PrometheusFamilies {
  private readonly families = new Map<string, FamilyName>();
  /** The instrument that writes each name, with the prefix. */
  private readonly owners = new Map<string, string>(TAKEN.map((name) => [name, 'the resource']));

  constructor(private readonly prefix?: string) {}

  /** The family of a metric, also across scopes; undefined for a kind Prometheus does not have. */
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

  /** Returns the name with the prefix. */
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
    const names = this.namesOf(name, kind);
    return names.map((each) => this.owners.get(each)).find((owner) => owner !== undefined);
  }

  private namesOf(name: string, kind: FamilyKind): string[] {
    const full = this.fullName(name);
    return SUFFIXES[kind].map((suffix) => full + suffix);
  }

  private warn(description: string, name: string, kind: FamilyKind, owner: string): void {
    const shown = this.fullName(name) + (kind === 'counter' ? '_total' : '');
    warnOnce(
      `prometheus-name:${shown}`,
      `${description} is called ${shown} in Prometheus, because ${owner} writes samples with its own name. ` +
        'Rename one of them.',
    );
  }
}

function kindOf(metric: MetricData): FamilyKind | undefined {
  if (metric.dataPointType === DataPointType.SUM) return metric.isMonotonic ? 'counter' : 'gauge';
  if (metric.dataPointType === DataPointType.GAUGE) return 'gauge';
  return metric.dataPointType === DataPointType.HISTOGRAM ? 'histogram' : undefined;
}

/** Replaces a name that has no valid character. */
const UNNAMED = 'unnamed';

/**
 * Returns the name of a metric's family in Prometheus, without the prefix: with its unit, unless
 * the name contains it, and without the suffix `_total` of a counter's samples.
 *
 * @param isPrefixed a prefix comes before it, so it may start with a digit
 */
function familyName(metric: MetricData, isPrefixed: boolean): string {
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
 * Returns attributes as labels: `method="GET",route="/orders"`, in the order of their keys, under
 * names that Prometheus allows. Prometheus refuses a whole scrape if a series has one name twice or
 * a name that starts with a digit: values of equal names are joined with a semicolon. Labels
 * without a value are left out, as Prometheus does; an unpaired surrogate cannot be sent, so it is
 * replaced.
 *
 * @param reserved a label that the metric writes itself (`le` of a histogram); an attribute of that
 *   name is prefixed `exported_`
 */
export function labelText(attributes: Attributes, reserved?: string): string {
  const names: string[] = [];
  const texts: string[] = [];
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const text = attributeText(value).toWellFormed();
    if (text === '') continue;
    const name = labelName(key, reserved);
    const known = names.indexOf(name);
    if (known === -1) {
      names.push(name);
      texts.push(text);
    } else texts[known] = `${texts[known] ?? ''};${text}`;
  }
  let labels = '';
  for (const [index, name] of inOrder(names))
    labels += `${labels === '' ? '' : ','}${name}="${escapeLabel(texts[index] ?? '')}"`;
  return labels;
}

/** Sorted, so that series with equal labels have equal texts: most are as their keys were. */
function inOrder(names: readonly string[]): (readonly [number, string])[] {
  const entries = [...names.entries()];
  const isSorted = names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name);
  return isSorted ? entries : entries.sort(([, a], [, b]) => (a < b ? -1 : 1));
}

const NEEDS_ESCAPE = /[\\\n"]/;

/** Escapes the value of a label, and the texts of OpenMetrics. */
export function escapeLabel(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return text;
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

/** Names of labels by the keys of attributes, which are few. */
const labelNames = new Map<string, string>();
const MAX_LABEL_NAMES = 1_000;

function labelName(key: string, reserved: string | undefined): string {
  let name = labelNames.get(key);
  if (name === undefined) {
    const plain = sanitize(key);
    name = /^[0-9]/.test(plain) || plain === '' ? `_${plain}` : plain;
    if (labelNames.size < MAX_LABEL_NAMES) labelNames.set(key, name);
  }
  return name === reserved ? `exported_${name}` : name;
}

/** @param name of any type: OpenTelemetry's API only warns about a name that is not a string */
function sanitize(name: unknown): string {
  return String(name)
    .replace(/[^a-z0-9_]/gi, '_')
    .replace(/_{2,}/g, '_');
}

/** UCUM units of OpenTelemetry by the words Prometheus uses for them. */
const WORDS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '%': 'percent',
};

/** Words for divisors: `1/s` and `By/s`. */
const PER: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  min: 'minute',
  h: 'hour',
  d: 'day',
};

/**
 * Returns the word for a unit at the end of a metric's name, by OpenTelemetry's rules for
 * Prometheus: `seconds` for `s`, `ratio` for a gauge in `1`; undefined for annotations
 * (`{request}`) and for a metric without a unit.
 */
export function prometheusUnit(unit: string, kind: { readonly gauge: boolean }): string | undefined {
  const plain = unit.replace(/\{[^}]*\}/g, '').trim();
  if (plain === '1') return kind.gauge ? 'ratio' : undefined;
  const [dividend = '', divisor] = plain.split('/', 2);
  const what = dividend === '1' ? '' : (WORDS[dividend] ?? dividend);
  const word = divisor === undefined ? what : `${what}_per_${PER[divisor] ?? divisor}`;
  const sanitized = word.replace(/[^a-z0-9_]/gi, '_').replace(/^_+|_+$/g, '');
  return sanitized === '' ? undefined : sanitized;
}
