import type {
  ChartAnswer,
  ChartSeries,
  InstrumentAnswer,
} from '../../../reader/answers/metrics.interface.js';
import { formatCount, formatInUnit, formatShare, formatUnit } from '../../../ui/format.js';

/** The instruments of one name, type and unit, one of each service that has it. */
export interface MetricEntry extends Pick<InstrumentAnswer, 'name' | 'description' | 'unit' | 'type'> {
  /** What the address says: its name, with type and unit where others have the name too. */
  readonly key: string;
  /** By service. */
  readonly instruments: readonly InstrumentAnswer[];
  /** Names of attributes and the values seen, in any of them. */
  readonly attributes: InstrumentAnswer['attributes'];
}

/** One entry for each name, in their order. */
export function groupInstruments(list: readonly InstrumentAnswer[]): readonly MetricEntry[] {
  const sorted = [...list].sort(
    (a, b) => a.name.localeCompare(b.name) || a.service.localeCompare(b.service) || a.id - b.id,
  );
  const groups = new Map<string, InstrumentAnswer[]>();
  for (const instrument of sorted) {
    const { name, type, unit } = instrument;
    const key = [...groups].find(
      ([, [first]]) => first?.name === name && first.type === type && first.unit === unit,
    )?.[0];
    if (key !== undefined) groups.get(key)?.push(instrument);
    else groups.set(groups.has(name) ? `${name} ${type} ${unit}` : name, [instrument]);
  }
  return [...groups].flatMap(([key, instruments]) => {
    const [first] = instruments;
    if (first === undefined) return [];
    const { name, type, unit } = first;
    const { description = '' } = instruments.find((each) => each.description !== '') ?? {};
    return [{ key, name, description, type, unit, instruments, attributes: attributesOf(instruments) }];
  });
}

function attributesOf(instruments: readonly InstrumentAnswer[]): Readonly<Record<string, readonly string[]>> {
  const all = new Map<string, Set<string>>();
  for (const [key, values] of instruments.flatMap(({ attributes }) => Object.entries(attributes)))
    all.set(key, new Set([...(all.get(key) ?? []), ...values]));
  return Object.fromEntries(
    [...all].map(([key, values]) => [key, [...values].sort((a, b) => a.localeCompare(b))]),
  );
}

/** Whether every word is in the name or the description: the service of an instrument is no part of it. */
export function isMatch({ name, description }: MetricEntry, text: string): boolean {
  const all = `${name} ${description}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** What the address names: an entry by its key, or one of its instruments by the number that addresses had before. */
export function findEntry(
  entries: readonly MetricEntry[],
  wanted: string,
): { readonly entry: MetricEntry | undefined; readonly service: string | undefined } {
  const entry = entries.find(({ key }) => key === wanted);
  if (entry !== undefined || !/^\d+$/.test(wanted)) return { entry, service: undefined };
  for (const each of entries) {
    const instrument = each.instruments.find(({ id }) => id === Number(wanted));
    if (instrument !== undefined)
      return { entry: each, service: each.instruments.length > 1 ? instrument.service : undefined };
  }
  return { entry: undefined, service: undefined };
}

/** More requests and lines than this are of no help. */
const MAX_INSTRUMENTS = 12;

/** The instruments of the services that are asked for: of one, or of all. */
export function instrumentsOf({ instruments }: MetricEntry, service: string): readonly InstrumentAnswer[] {
  const own = instruments.filter((each) => service === '' || each.service === service);
  return own.slice(0, MAX_INSTRUMENTS);
}

type Kind = Pick<InstrumentAnswer, 'name' | 'type' | 'unit'>;

/** A share of something: its unit is `1`, as that of anything that is only a number. */
const isRatio = ({ name, type, unit }: Kind): boolean =>
  unit === '1' && (type === 'gauge' || type === 'histogram') && /(?:utili[sz]ation|ratio|share)/i.test(name);

/** `histogram · seconds`, `up/down counter · requests`. */
export function describeKind(kind: Kind): string {
  const unit = kind.unit === '1' && !isRatio(kind) ? '' : formatUnit(kind.unit);
  return [kind.type === 'updowncounter' ? 'up/down counter' : kind.type, unit].filter(Boolean).join(' · ');
}

/** How a value is written: in its unit, a ratio in percent, what a counter counts as a rate. */
export function formatOf(kind: Kind, isRate = kind.type === 'counter'): (value: number) => string {
  if (isRatio(kind)) return formatShare;
  const bare = kind.unit.startsWith('{') || kind.unit === '1' ? '' : kind.unit;
  if (isRate) return (value) => `${formatInUnit(value, bare)} /s`;
  return (value) => (bare === '' ? formatCount(value) : formatInUnit(value, bare));
}

/** An entry over time. */
export interface MergedChart {
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly exemplars: ChartAnswer['exemplars'];
  /** Whether the lines are those of several services; those of a histogram are then their p95. */
  readonly isByService: boolean;
}

/** The charts of instruments of one entry as one: where they are several, each line bears the name of its service. */
export function mergeCharts(charts: readonly ChartAnswer[]): MergedChart {
  const isByService = charts.length > 1;
  const [first] = charts;
  const seen = new Map<string, number>();
  const series = charts.flatMap(({ instrument: { service, type }, series: own }) => {
    if (!isByService) return own;
    // The same instrument of two scopes.
    const nth = (seen.get(service) ?? 0) + 1;
    seen.set(service, nth);
    const name = nth === 1 ? service : `${service} (${nth})`;
    return own
      .filter(({ label }) => type !== 'histogram' || /(?:^| )p95$/.test(label))
      .map((line) => {
        const label = type === 'histogram' ? line.label.replace(/ ?p95$/, '') : line.label;
        return { ...line, label: label === '' ? name : `${name} ${label}` };
      });
  });
  const exemplars = charts.flatMap((chart) => chart.exemplars);
  return { times: first?.times ?? [], series, exemplars, isByService };
}
