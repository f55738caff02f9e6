/** One sample of an exposition. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface OpenMetricsFamily {
  readonly name: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const NUMBER = '(?:[+-]?Inf|NaN|[+-]?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{((?:${LABEL})(?:,${LABEL})*)\\})? (${NUMBER})( # \\{${LABEL}(?:,${LABEL})*\\} ${NUMBER} ${NUMBER})?$`,
);
const META = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME}) (.*)$`);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  info: ['_info'],
};

/**
 * Reads OpenMetrics 1.0 as strictly as its specification is written.
 *
 * @throws Error at the first thing that the specification forbids
 */
export function parseOpenMetrics(text: string): OpenMetricsFamily[] {
  if (!text.endsWith('# EOF\n')) throw new Error('no # EOF at the end');
  if (text !== Buffer.from(text).toString()) throw new Error('not UTF-8');
  const families: { name: string; type: string; samples: Sample[]; seen: Set<string> }[] = [];
  const claimed = new Map<string, string>();
  const series = new Set<string>();
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line.startsWith('#')) {
      const [, keyword = '', name = '', rest = ''] = META.exec(line) ?? fail('no metadata');
      let family = families.at(-1);
      if (family?.name !== name) {
        if (keyword !== 'TYPE') fail('metadata before TYPE');
        if (SUFFIXES[rest] === undefined) fail('unknown type');
        for (const each of new Set(['', ...SUFFIXES[rest]!].map((suffix) => name + suffix))) {
          if (claimed.has(each)) fail(`clashes with ${claimed.get(each)}`);
          claimed.set(each, name);
        }
        families.push((family = { name, type: rest, samples: [], seen: new Set() }));
      }
      if (family.samples.length > 0) fail('metadata after samples');
      if (family.seen.has(keyword)) fail('repeated metadata');
      family.seen.add(keyword);
      if (keyword === 'UNIT' && !name.endsWith(`_${rest}`)) fail('a unit that the name does not end in');
      if (keyword === 'HELP' && /(^|[^\\])(\\\\)*(\\[^n"\\]|")/.test(rest)) fail('HELP that is not escaped');
      continue;
    }
    const [, name = '', labelText = '', valueText = '', exemplar] = SAMPLE.exec(line) ?? fail('no sample');
    const { type, name: of, samples } = families.at(-1) ?? fail('a sample before TYPE');
    const suffix = SUFFIXES[type]!.find((each) => name === of + each) ?? fail('a sample of another family');
    const labels: Record<string, string> = {};
    for (const [, label = '', value = ''] of labelText.matchAll(/([^=,]+)="((?:[^"\\]|\\.)*)"/g)) {
      if (Object.hasOwn(labels, label)) fail('a label twice');
      if (label.startsWith('__')) fail('a reserved label');
      if (value === '') fail('a label without a value');
      labels[label] = value;
    }
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (series.has(key)) fail('a sample twice');
    series.add(key);
    const value = Number(valueText.replace('Inf', 'Infinity'));
    if (type === 'counter' || type === 'histogram') if (!(value >= 0)) fail('a count that is not positive');
    if (exemplar !== undefined && !['_total', '_bucket'].includes(suffix)) fail('an exemplar there');
    if (suffix === '_bucket' && !/^(\+Inf|-?\d+\.\d+|-?\d+(\.\d+)?e[+-]?\d+)$/.test(labels.le ?? ''))
      fail('le');
    samples.push({ name, labels, value });
  }
  for (const { type, name, samples } of families) if (type === 'histogram') checkHistogram(name, samples);
  return families;
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const labels = Object.entries(sample.labels).filter(([name]) => name !== 'le');
    const key = JSON.stringify(labels.sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels.le!.replace('Inf', 'Infinity')));
    if (bounds.at(-1) !== Infinity) throw new Error(`${name} has no last bucket`);
    for (let index = 1; index < buckets.length; index += 1) {
      if (!(bounds[index - 1]! < bounds[index]!)) throw new Error(`buckets of ${name} in no order`);
      if (buckets[index - 1]!.value > buckets[index]!.value) throw new Error(`buckets of ${name} fall`);
    }
    const count = group.find((sample) => sample.name === `${name}_count`);
    const sum = group.find((sample) => sample.name === `${name}_sum`);
    if ((count === undefined) !== (sum === undefined)) throw new Error(`${name}: count without sum`);
    if (sum !== undefined && bounds[0]! < 0) throw new Error(`${name}: a sum beside buckets below zero`);
    if (count !== undefined && count.value !== buckets.at(-1)!.value) throw new Error(`${name}: wrong count`);
  }
}
