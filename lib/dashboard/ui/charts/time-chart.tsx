import type { Ref } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';

import type { ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
import { formatTime } from '../format.js';
import {
  bucketAt,
  drawCursor,
  drawMark,
  extentOf,
  findLoneValues,
  type Mark,
  timeAxis,
  topOf,
  valueAxis,
} from './axes.js';
import { Chart, type Colours } from './chart.js';
import type { Dot } from './choose-dots.js';
import { ExemplarDots, placeDots } from './exemplar-dots.js';
import type { RegionKeys } from './use-region-keys.js';

export interface TimeSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** A CSS custom property. */
  readonly colour: string;
  readonly fill?: boolean;
  readonly dashed?: boolean;
  /** Whether its scale is the one at the right, as of a value in another unit. */
  readonly onRight?: boolean;
  /** Between what each value lies, where it is only known so far. */
  readonly bounds?: {
    readonly min: readonly (number | null)[];
    readonly max: readonly (number | null)[];
  };
}

interface TimeChartProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly series: readonly TimeSeries[];
  readonly format: (value: number) => string;
  /** Of series on the right; default: `format`. */
  readonly formatRight?: ((value: number) => string) | undefined;
  readonly exemplars?: readonly ExemplarAnswer[];
  /** The value of an exemplar in words; default: `format`. */
  readonly formatDot?: (value: number) => string;
  /** Whether the dots are at the bottom: their values are not on the scale of the lines. */
  readonly dotsAtBottom?: boolean;
  readonly height?: number;
  readonly sync?: string;
  /** A region to mark. */
  readonly marked?: Mark | undefined;
  readonly onSelect?: (from: number, to: number) => void;
  /** An instant whose line is drawn, and whose values the legend has while the pointer is elsewhere; a click chooses another. */
  readonly cursor?: { readonly at: number; readonly onPick: (at: number) => void } | undefined;
  /** Whose restarts and changes of version are marked; undefined: those of all services. */
  readonly service?: string | undefined;
}

/** The name of the scale at the right. */
const RIGHT = 'right';

/** Always the same list, so that a render without dots is not a change of data. */
const NONE: readonly ExemplarAnswer[] = [];

/** Charts show the same instant; what is dragged in one stays in it. */
const FOLLOW_THE_POINTER: uPlot.Cursor.Sync.Filters = {
  pub: (type) => type === 'mousemove' || type === 'mouseleave',
};

const rightAxis = (colour: Colours, format: (value: number) => string): uPlot.Axis => ({
  ...valueAxis(colour, format),
  scale: RIGHT,
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- uPlot declares the enum, but has no value for it; 1 is right
  side: 1,
  grid: { show: false },
});

/** Exemplars whose value is on the scale of the lines. */
const placedByValue = ({
  exemplars = NONE,
  dotsAtBottom = false,
}: TimeChartProps): readonly ExemplarAnswer[] => (dotsAtBottom ? NONE : exemplars);

/** A value of a line in words, with what it lies between; undefined where there is none. */
function describeValue(
  { values, bounds, onRight = false }: TimeSeries,
  index: number,
  { format, formatRight = format }: TimeChartProps,
): string | undefined {
  const value = values[index];
  if (value === null || value === undefined) return undefined;
  const write = onRight ? formatRight : format;
  const [min, max] = [bounds?.min[index] ?? value, bounds?.max[index] ?? value];
  return min === max ? write(value) : `${write(value)} (${write(min)} to ${write(max)})`;
}

/** Lines over time; dots on it lead to traces, and a dragged region asks what is different within. */
export function TimeChart(props: TimeChartProps) {
  const { title, times, series, format, exemplars = NONE, height = 150 } = props;
  const hasRight = series.some(({ onRight }) => onRight);
  const latest = useRef(props);
  latest.current = props;
  const legend = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot>(undefined);
  const [dots, setDots] = useState<readonly Dot[]>([]);
  const data = useMemo(
    (): uPlot.AlignedData => [[...times], ...series.map(({ values }) => [...values])],
    // The lists come from one answer: when the times are the same object, so are the values.
    [times, exemplars],
  );

  const options = (colour: Colours): Omit<uPlot.Options, 'width' | 'height'> => ({
    ms: 1,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: {
      ...(props.sync ? { sync: { key: props.sync, setSeries: false, filters: FOLLOW_THE_POINTER } } : {}),
      drag: { x: props.onSelect !== undefined, y: false, setScale: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      x: { time: true, range: () => extentOf(latest.current.times) },
      y: {
        range: (chart, _min, max) => [0, topOf(chart, max, placedByValue(latest.current))],
      },
      ...(hasRight && { [RIGHT]: { range: (chart, _min, max) => [0, topOf(chart, max, NONE)] } }),
    },
    axes: [
      timeAxis(colour),
      valueAxis(colour, (value) => latest.current.format(value)),
      ...(hasRight ? [rightAxis(colour, (value) => (latest.current.formatRight ?? format)(value))] : []),
    ],
    series: [
      {},
      ...series.map(({ label, colour: name, fill, dashed, onRight }): uPlot.Series => ({
        label,
        scale: onRight ? RIGHT : 'y',
        stroke: colour(name),
        width: 1.5,
        spanGaps: false,
        ...(dashed ? { dash: [4, 4] } : {}),
        points: { show: true, filter: findLoneValues },
        ...(fill ? { fill: `color-mix(in srgb, ${colour(name)} 18%, transparent)` } : {}),
      })),
    ],
    hooks: {
      ready: [
        (chart) => {
          drawn.current = chart;
          chart.over.addEventListener('click', () => {
            const { left = -1 } = chart.cursor;
            if (left >= 0) latest.current.cursor?.onPick(chart.posToVal(left, 'x'));
          });
          writeLegend(legend.current, chart, latest.current);
        },
      ],
      drawClear: [
        (chart) => {
          drawMark(chart, latest.current.marked, colour('--accent'));
          drawCursor(chart, latest.current.cursor?.at, colour('--text'));
        },
      ],
      draw: [
        (chart) => {
          setDots(placeDots(chart, latest.current.exemplars ?? NONE, latest.current.dotsAtBottom));
        },
      ],
      setCursor: [
        (chart) => {
          writeLegend(legend.current, chart, latest.current);
        },
      ],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < 3) return;
          latest.current.onSelect?.(chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x'));
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  });

  const at = props.cursor?.at;
  useEffect(() => {
    if (!drawn.current || at === undefined) return;
    drawn.current.redraw(false);
    writeLegend(legend.current, drawn.current, latest.current);
  }, [at, data]);

  const say: RegionKeys['say'] = (chart, { left, width }, selects) => {
    const [start, end] = [left, left + width].map((at) => formatTime(chart.posToVal(at, 'x'), false));
    if (selects) return `${start ?? ''} to ${end ?? ''} selected`;
    const index = chart.cursor.idx ?? 0;
    const values = series.map((each) => `${each.label} ${describeValue(each, index, props) ?? 'nothing'}`);
    return `${start ?? ''}: ${values.join(', ')}`;
  };

  return (
    <figure class="time-chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <Legend boxRef={legend} series={series} hasDots={exemplars.length > 0} />
      </figcaption>
      <div class="chart-place">
        <Chart
          data={data}
          height={height}
          options={options}
          service={props.service}
          keys={props.onSelect && { grid: { columns: times.length, rows: 1 }, say }}
          shape={`${series.map(({ label, onRight }) => `${label}${onRight ? ' right' : ''}`).join('|')} ${props.marked ? `${props.marked.from}-${props.marked.to}` : ''}`}
          label={`${title}, ${series.map(({ label }) => label).join(', ')}${
            times.length > 0
              ? `, ${formatTime(times[0] ?? 0, false)} to ${formatTime(times.at(-1) ?? 0, false)}`
              : ''
          }`}
        />
        <ExemplarDots
          dots={dots}
          format={props.formatDot ?? format}
          onPress={(event) => drawn.current?.over.dispatchEvent(new MouseEvent('mousedown', event))}
        />
      </div>
    </figure>
  );
}

interface LegendProps {
  readonly series: readonly TimeSeries[];
  readonly boxRef: Ref<HTMLDivElement>;
  readonly hasDots: boolean;
}

/** The names of the lines, each with its value below the pointer. */
function Legend({ series, boxRef, hasDots }: LegendProps) {
  return (
    <div class="legend" ref={boxRef}>
      {series.map(({ label, colour }) => (
        <span key={label} class="legend-entry">
          <i style={{ background: `var(${colour})` }} />
          {label} <b />
        </span>
      ))}
      {hasDots && (
        <>
          <span class="legend-entry" title="The slowest request of each moment: click it for its trace">
            <i class="legend-dot" /> slow
          </span>
          <span class="legend-entry" title="The slowest of each moment that failed: click it for its trace">
            <i class="legend-dot legend-dot-error" /> failed
          </span>
        </>
      )}
      <time />
    </div>
  );
}

/** Writes the values below the pointer straight into the legend: the pointer moves more often than the page should render. */
function writeLegend(box: HTMLDivElement | null, chart: uPlot, props: TimeChartProps): void {
  if (!box) return;
  const { series, times, cursor } = props;
  const index = chart.cursor.idx ?? (cursor && bucketAt(times, cursor.at));
  box.querySelectorAll('b').forEach((cell, at) => {
    const line = series[at];
    cell.textContent = index === undefined || !line ? '' : (describeValue(line, index, props) ?? '');
  });
  const time = index === undefined ? undefined : times[index];
  const cell = box.querySelector('time');
  if (cell) cell.textContent = time === undefined ? '' : formatTime(time, false);
}
