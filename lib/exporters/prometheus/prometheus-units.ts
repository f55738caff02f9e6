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

/** What stands behind "per": `1/s` and `By/s`. */
const PER: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  min: 'minute',
  h: 'hour',
  d: 'day',
};

/**
 * The word a metric's name ends in for its unit, as OpenTelemetry's rules for Prometheus have it: `seconds` for `s`,
 * `ratio` for a gauge in `1`; undefined for annotations (`{request}`) and for a metric without a unit.
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
