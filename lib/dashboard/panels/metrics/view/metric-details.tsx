import type { ChartAnswer, ChartSeries, InstrumentAnswer } from '../../../reader/answers.interface.js';
import { exemplarAddress } from '../../../ui/charts/exemplar-dots.js';
import { TimeChart, type TimeSeries } from '../../../ui/charts/time-chart.js';
import { clientOf } from '../../../ui/client.js';
import { formatCount, formatInUnit, formatTime, formatUnit } from '../../../ui/format.js';
import { COLOURS } from '../../../ui/parts/choose-colour.js';
import { SelectField } from '../../../ui/parts/fields.js';
import { Notice, WhenLoaded } from '../../../ui/parts/notice.js';
import { useSpanLoad } from '../../../ui/parts/use-load.js';
import { type Place, setQuery } from '../../../ui/state.js';
import type { MetricsApi } from '../query.js';

const metricsApi = clientOf<MetricsApi>();

const BUCKETS = 90;
const MOST_SERIES = 12;
/** The same quantile has the same colour on every page. */
const QUANTILES: Readonly<Record<string, string>> = { p50: '--p50', p95: '--p95', p99: '--p99' };

const TITLES = {
  counter: 'Per second',
  histogram: 'Quantiles',
  gauge: 'Value',
  updowncounter: 'Value',
} as const;

/** `histogram · seconds`, `up/down counter · requests`. */
export const instrumentText = ({ type, unit }: Pick<InstrumentAnswer, 'type' | 'unit'>): string =>
  [type === 'updowncounter' ? 'up/down counter' : type, formatUnit(unit)].filter(Boolean).join(' · ');

function unitOf({ type, unit }: InstrumentAnswer, isRate = type === 'counter'): (value: number) => string {
  const bare = unit.startsWith('{') || unit === '1' ? '' : unit;
  if (isRate) return (value) => `${formatInUnit(value, bare)} /s`;
  return (value) => formatInUnit(value, bare);
}

function Filters({ instrument, place }: { readonly instrument: InstrumentAnswer; readonly place: Place }) {
  const filters = place.query.getAll('filter');
  const names = Object.keys(instrument.attributes).sort();
  const valueOf = (name: string): string =>
    filters.find((filter) => filter.startsWith(`${name}:`))?.slice(name.length + 1) ?? '';
  return (
    <div class="search">
      {names.map((name) => (
        <SelectField
          key={name}
          label={name}
          any={`${name}: all`}
          value={valueOf(name)}
          options={instrument.attributes[name] ?? []}
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
    </div>
  );
}

/** A line, and where a gauge was higher than it within a bucket, its highest values. */
function linesOf(
  { label, values, max }: ChartSeries,
  { name, type }: InstrumentAnswer,
  colour: string,
): readonly TimeSeries[] {
  const line = { label: label === '' ? name : label, values, colour };
  if (type !== 'gauge' || max === undefined || max.every((value, index) => value === values[index]))
    return [line];
  return [line, { label: `${line.label} highest`, values: max, colour, dashed: true }];
}

/** Between what the last quantiles lie: the boundaries of a histogram may be far apart. */
function Bounds({ series, format }: Pick<ChartAnswer, 'series'> & Pick<PlotProps, 'format'>) {
  const texts = series.slice(0, 3).flatMap(({ label, min, max }) => {
    const last = min?.findLastIndex((value) => value !== null) ?? -1;
    const [from, to] = [min?.[last] ?? 0, max?.[last] ?? 0];
    return from === to ? [] : [`${label} between ${format(from)} and ${format(to)}`];
  });
  return texts.length === 0 ? null : <p class="hint">Read from buckets. At the end: {texts.join(', ')}.</p>;
}

interface PlotProps {
  readonly chart: ChartAnswer;
  readonly format: (value: number) => string;
}

function Plot({ chart, format }: PlotProps) {
  const { instrument, times } = chart;
  const series = chart.series
    .slice(0, MOST_SERIES)
    .flatMap((line, index) =>
      linesOf(line, instrument, QUANTILES[line.label] ?? `--series-${index % COLOURS}`),
    );
  const isCounter = instrument.type === 'counter';
  const formatDot = isCounter ? unitOf(instrument, false) : format;
  return (
    <>
      <TimeChart
        title={TITLES[instrument.type]}
        times={times}
        series={series}
        format={format}
        exemplars={chart.exemplars}
        formatDot={formatDot}
        dotsAtBottom={isCounter}
        height={300}
        service={instrument.service}
        onSelect={(from, to) => {
          setQuery({
            selFrom: Math.round(from),
            selTo: Math.round(to),
            selService: instrument.service,
          });
        }}
      />
      {instrument.type === 'histogram' && <Bounds series={chart.series} format={format} />}
      {chart.series.length > MOST_SERIES && (
        <p class="hint">
          The first {MOST_SERIES} of {formatCount(chart.series.length)} series; a filter shows others.
        </p>
      )}
      {chart.exemplars.length > 0 && (
        <>
          <h3>Exemplars</h3>
          <ul class="exemplars">
            {[...chart.exemplars]
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

interface MetricDetailsProps {
  readonly instrument: InstrumentAnswer;
  readonly place: Place;
}

/** One instrument over time, filtered and grouped by its attributes. */
export function MetricDetails({ instrument, place }: MetricDetailsProps) {
  const filter = place.query.getAll('filter');
  const group = place.query.get('group') ?? undefined;
  const loaded = useSpanLoad(
    `metric|${instrument.id}|${filter.join('|')}|${group ?? ''}`,
    place,
    (span, signal) =>
      metricsApi.get('metrics/:id', { ...span, id: instrument.id, buckets: BUCKETS, filter, group }, signal),
  );
  const format = unitOf(instrument);
  return (
    <section class="card metric" aria-label={instrument.name}>
      <header>
        <h2 class="code">{instrument.name}</h2>
        <span class="hint">
          {instrument.service} · {instrumentText(instrument)}
        </span>
      </header>
      {instrument.description && <p>{instrument.description}</p>}
      <Filters instrument={instrument} place={place} />
      <WhenLoaded loaded={loaded}>
        {(chart) =>
          chart.series.length === 0 ? (
            <Notice>Nothing was recorded in this time span.</Notice>
          ) : (
            <Plot chart={chart} format={format} />
          )
        }
      </WhenLoaded>
    </section>
  );
}
