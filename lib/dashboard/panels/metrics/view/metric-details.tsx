import type { ChartAnswer, ChartSeries } from '../../../reader/answers/metrics.interface.js';
import { exemplarAddress } from '../../../ui/charts/exemplar-dots.js';
import { TimeChart, type TimeSeries } from '../../../ui/charts/time-chart.js';
import { clientOf } from '../../../ui/client.js';
import { formatCount, formatTime } from '../../../ui/format.js';
import { COLOURS } from '../../../ui/parts/choose-colour.js';
import { SelectField } from '../../../ui/parts/fields.js';
import { Notice, WhenLoaded } from '../../../ui/parts/notice.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { type Place, setQuery } from '../../../ui/state.js';
import type { MetricsApi } from '../query.js';
import {
  describeKind,
  findEntry,
  formatOf,
  instrumentsOf,
  mergeCharts,
  type MergedChart,
  type MetricEntry,
} from './metric-entries.js';

const metricsApi = clientOf<MetricsApi>();

const BUCKETS = 90;
const MOST_SERIES = 12;
const MOST_BOUNDED = 3;
/** Lines of a second metric, on the scale at the right. */
const MOST_RIGHT = 4;
/** The same quantile has the same colour on every page. */
const QUANTILES: Readonly<Record<string, string>> = { p50: '--p50', p95: '--p95', p99: '--p99' };

const TITLES = {
  counter: 'Per second',
  histogram: 'Quantiles',
  gauge: 'Value',
  updowncounter: 'Value',
} as const;

interface FieldsProps {
  readonly entry: MetricEntry;
  readonly entries: readonly MetricEntry[];
  readonly service: string;
  readonly place: Place;
}

/** Of which services, attributes and values, by what it is grouped, and which other metric is beside it. */
function Fields({ entry, entries, service, place }: FieldsProps) {
  const filters = place.query.getAll('filter');
  const names = Object.keys(entry.attributes).sort();
  const services = [...new Set(entry.instruments.map((instrument) => instrument.service))];
  const valueOf = (name: string): string =>
    filters.find((filter) => filter.startsWith(`${name}:`))?.slice(name.length + 1) ?? '';
  return (
    <div class="search">
      {services.length > 1 && (
        <SelectField
          label="Service"
          any="by service: all"
          value={service}
          options={services}
          onChange={(value) => {
            // A number of an instrument names a service, too.
            setQuery({ metric: entry.key, service: value });
          }}
        />
      )}
      {names.map((name) => (
        <SelectField
          key={name}
          label={name}
          any={`${name}: all`}
          value={valueOf(name)}
          options={entry.attributes[name] ?? []}
          onChange={(value) => {
            const others = filters.filter((filter) => !filter.startsWith(`${name}:`));
            setQuery({ filter: value === '' ? others : [...others, `${name}:${value}`] });
          }}
        />
      ))}
      {names.length > 0 && (
        <SelectField
          label="Group by"
          any="not grouped"
          value={place.query.get('group') ?? ''}
          options={names.map((name) => [name, `by ${name}`] as const)}
          onChange={(group) => {
            setQuery({ group });
          }}
        />
      )}
      {entries.length > 1 && (
        <SelectField
          label="Second metric"
          any="no second metric"
          value={place.query.get('with') ?? ''}
          options={entries.filter((each) => each !== entry).map(({ key }) => [key, `with ${key}`] as const)}
          onChange={(value) => {
            setQuery({ with: value });
          }}
        />
      )}
    </div>
  );
}

/** A line; of a histogram with the bounds of the quantile, and where a gauge was higher than it within a bucket, its highest values. */
function linesOf(
  { label, values, min, max }: ChartSeries,
  { name, type }: MetricEntry,
  colour: string,
  hasBounds: boolean,
): readonly TimeSeries[] {
  const line = { label: label === '' ? name : label, values, colour };
  if (hasBounds && type === 'histogram' && min !== undefined && max !== undefined)
    return [{ ...line, bounds: { min, max } }];
  if (type !== 'gauge' || max === undefined || max.every((value, index) => value === values[index]))
    return [line];
  return [line, { label: `${line.label} highest`, values: max, colour, dashed: true }];
}

/** Between what the last quantiles lie: the boundaries of a histogram may be far apart. */
function Bounds({
  series,
  format,
}: Pick<ChartAnswer, 'series'> & { readonly format: (value: number) => string }) {
  const texts = series.slice(0, 3).flatMap(({ label, min, max }) => {
    const last = min?.findLastIndex((value) => value !== null) ?? -1;
    const [from, to] = [min?.[last] ?? 0, max?.[last] ?? 0];
    return from === to ? [] : [`${label} between ${format(from)} and ${format(to)}`];
  });
  return texts.length === 0 ? null : <p class="hint">Read from buckets. At the end: {texts.join(', ')}.</p>;
}

/** A second metric, drawn on the scale at the right. */
interface Second {
  readonly entry: MetricEntry;
  readonly chart: MergedChart;
}

interface PlotProps {
  readonly entry: MetricEntry;
  readonly chart: MergedChart;
  readonly second: Second | undefined;
  /** Empty: all. */
  readonly service: string;
}

function linesAtRight({ entry, chart }: Second): readonly TimeSeries[] {
  return chart.series.slice(0, MOST_RIGHT).map(({ label, values }, index) => ({
    label: `${[entry.name, label].filter(Boolean).join(' ')} (right)`,
    values,
    // Others than those that the first metric has.
    colour: `--series-${(2 * index + 4) % COLOURS}`,
    onRight: true,
  }));
}

function Plot({ entry, chart, second, service }: PlotProps) {
  const { times, exemplars, isByService } = chart;
  const { type } = entry;
  const format = formatOf(entry);
  // The legend of more lines has no room for bounds: it would grow, and move the chart below the pointer.
  const hasBounds = chart.series.length <= MOST_BOUNDED;
  const series = chart.series
    .slice(0, MOST_SERIES)
    .flatMap((line, index) =>
      linesOf(line, entry, QUANTILES[line.label] ?? `--series-${index % COLOURS}`, hasBounds),
    );
  const isCounter = type === 'counter';
  const formatDot = isCounter ? formatOf(entry, false) : format;
  return (
    <>
      <TimeChart
        title={isByService && type === 'histogram' ? 'p95' : TITLES[type]}
        times={times}
        series={second ? [...series, ...linesAtRight(second)] : series}
        format={format}
        formatRight={second && formatOf(second.entry)}
        exemplars={exemplars}
        formatDot={formatDot}
        dotsAtBottom={isCounter}
        height={300}
        service={service === '' ? undefined : service}
        onSelect={(from, to) => {
          setQuery({
            selFrom: Math.round(from),
            selTo: Math.round(to),
            selService: service,
          });
        }}
      />
      {isByService && type === 'histogram' && (
        <p class="hint">The p95 of each service; choose a service for its p50 and p99.</p>
      )}
      {type === 'histogram' && <Bounds series={chart.series} format={format} />}
      {second?.chart.series.length === 0 && (
        <p class="hint">{second.entry.name} recorded nothing in this time span.</p>
      )}
      {chart.series.length > MOST_SERIES && (
        <p class="hint">
          The first {MOST_SERIES} of {formatCount(chart.series.length)} series; a filter shows others.
        </p>
      )}
      {exemplars.length > 0 && (
        <>
          <h3>Exemplars</h3>
          <ul class="exemplars">
            {[...exemplars]
              .sort((a, b) => b.value - a.value)
              .slice(0, 12)
              .map((exemplar) => (
                <li key={exemplar.traceId + exemplar.spanId} class={exemplar.error ? 'failed' : ''}>
                  <a href={exemplarAddress(exemplar)}>
                    <b>{formatDot(exemplar.value)}</b> {exemplar.label}
                  </a>{' '}
                  <span class="hint">{formatTime(exemplar.time)}</span>
                </li>
              ))}
          </ul>
        </>
      )}
    </>
  );
}

/** One metric over time, of one service or a line for each, filtered and grouped by its attributes, with a second one beside it. */
export function MetricDetails({ entry, entries, service, place }: FieldsProps) {
  const filter = place.query.getAll('filter');
  const group = place.query.get('group') ?? undefined;
  const { entry: found } = findEntry(entries, place.query.get('with') ?? '');
  const other = found === entry ? undefined : found;
  const own = instrumentsOf(entry, service);
  const ofService = other === undefined ? [] : instrumentsOf(other, service);
  const others = other === undefined || ofService.length > 0 ? ofService : instrumentsOf(other, '');
  const idsOf = (list: typeof own): string => list.map(({ id }) => id).join(',');
  const loaded = useSpanLoad(
    `metric|${idsOf(own)}|${filter.join('|')}|${group ?? ''}|${idsOf(others)}`,
    place,
    async (span, signal) => {
      const ask = (list: typeof own, query: { filter?: readonly string[]; group?: string | undefined }) =>
        Promise.all(
          list.map(({ id }) =>
            metricsApi.get('metrics/:id', { ...span, id, buckets: BUCKETS, ...query }, signal),
          ),
        );
      const [charts, beside] = await Promise.all([ask(own, { filter, group }), ask(others, {})]);
      return {
        chart: mergeCharts(charts),
        second: other && { entry: other, chart: mergeCharts(beside) },
      };
    },
  );
  const left = entry.instruments.length - own.length;
  return (
    <section class="card metric" aria-label={entry.name}>
      <header>
        <h2 class="code">{entry.name}</h2>
        <span class="hint">
          {own.length === 1 ? `${own[0]?.service ?? ''} · ` : ''}
          {describeKind(entry)}
          {service === '' && left > 0 && ` · the first ${own.length} of ${entry.instruments.length} services`}
        </span>
      </header>
      {entry.description && <p>{entry.description}</p>}
      <Fields entry={entry} entries={entries} service={service} place={place} />
      <WhenLoaded loaded={loaded}>
        {({ chart, second }) =>
          chart.series.length === 0 ? (
            <Notice>Nothing was recorded in this time span.</Notice>
          ) : (
            <Plot
              entry={entry}
              chart={chart}
              second={second}
              service={service === '' && own.length === 1 ? (own[0]?.service ?? '') : service}
            />
          )
        }
      </WhenLoaded>
    </section>
  );
}
