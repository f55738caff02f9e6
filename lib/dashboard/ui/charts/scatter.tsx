import { useMemo, useRef } from 'preact/hooks';
import type uPlot from 'uplot';

import type { TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { formatDuration, formatTime } from '../format.js';
import { drawMark, type Mark, timeAxis, valueAxis } from './axes.js';
import { Chart, type Colours } from './chart.js';
import type { Box } from './region-grid.js';
import type { RegionKeys } from './use-region-keys.js';

/** A region of the plot: instants and milliseconds. */
export interface Region {
  readonly from: number;
  readonly to: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** What lies below a box of pixels. */
const regionBelow = (chart: uPlot, { left, top, width, height }: Box): Region => ({
  from: chart.posToVal(left, 'x'),
  to: chart.posToVal(left + width, 'x'),
  minMs: chart.posToVal(top + height, 'y'),
  maxMs: chart.posToVal(top, 'y'),
});

const say: RegionKeys['say'] = (chart, box, selects) => {
  const { from, to, minMs, maxMs } = regionBelow(chart, box);
  const words = `${formatTime(from, false)} to ${formatTime(to, false)}, ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return selects ? `${words} selected` : words;
};

/** Fine enough to take in a group of dots, coarse enough to get there by keys. */
const KEYS: RegionKeys = { grid: { columns: 40, rows: 10 }, say };

interface ScatterProps {
  readonly traces: readonly TraceSummaryAnswer[];
  readonly from: number;
  readonly to: number;
  readonly onOpen: (trace: TraceSummaryAnswer) => void;
  readonly onHover: (trace: TraceSummaryAnswer | undefined) => void;
  readonly onSelect: (region: Region) => void;
  /** A region to mark. */
  readonly marked: Mark | undefined;
  /** Whose restarts and changes of version are marked; undefined: those of all services. */
  readonly service?: string | undefined;
}

const REACH_PX = 12;
/** A duration of nothing has no place on a logarithmic scale. */
const FLOOR_MS = 0.01;

function nearest(chart: uPlot, traces: readonly TraceSummaryAnswer[]): TraceSummaryAnswer | undefined {
  const { left = -1, top = -1 } = chart.cursor;
  let best: TraceSummaryAnswer | undefined;
  let bestDistance = REACH_PX;
  for (const trace of traces) {
    const dx = Math.abs(chart.valToPos(trace.start, 'x') - left);
    if (dx > bestDistance) continue;
    const dy = chart.valToPos(Math.max(trace.durationMs, FLOOR_MS), 'y') - top;
    const distance = Math.hypot(dx, dy);
    if (distance < bestDistance) {
      best = trace;
      bestDistance = distance;
    }
  }
  return best;
}

const points = (colour: string): uPlot.Series => ({
  paths: () => null,
  points: {
    show: true,
    size: 6,
    width: 0,
    fill: `color-mix(in srgb, ${colour} 75%, transparent)`,
    stroke: colour,
  },
});

/** Every trace a dot, duration (logarithmic) over time; a click opens the nearest, dragging selects a region. */
export function Scatter(props: ScatterProps) {
  const { traces, marked } = props;
  const latest = useRef(props);
  latest.current = props;
  const data = useMemo(() => {
    const sorted = [...traces].sort((a, b) => a.start - b.start);
    const value = ({ durationMs }: TraceSummaryAnswer): number => Math.max(durationMs, FLOOR_MS);
    return [
      sorted.map(({ start }) => start),
      sorted.map((trace) => (trace.errorCount > 0 ? null : value(trace))),
      sorted.map((trace) => (trace.errorCount > 0 ? value(trace) : null)),
    ] as uPlot.AlignedData;
  }, [traces]);
  const dragged = useRef(false);

  const options = (colour: Colours): Omit<uPlot.Options, 'width' | 'height'> => ({
    ms: 1,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { drag: { x: true, y: true, setScale: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [latest.current.from, latest.current.to] },
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- uPlot declares the enum, but has no value for it; 3 is logarithmic
      y: { distr: 3, log: 10 },
    },
    axes: [timeAxis(colour), valueAxis(colour, formatDuration)],
    series: [{}, points(colour('--accent')), points(colour('--error'))],
    hooks: {
      drawClear: [
        (chart) => {
          drawMark(chart, latest.current.marked, colour('--accent'));
        },
      ],
      ready: [
        (chart) => {
          chart.over.addEventListener('mousedown', () => {
            dragged.current = false;
          });
          chart.over.addEventListener('click', () => {
            const trace = nearest(chart, latest.current.traces);
            if (trace && !dragged.current) latest.current.onOpen(trace);
          });
          chart.over.addEventListener('mouseleave', () => {
            latest.current.onHover(undefined);
          });
        },
      ],
      setCursor: [
        (chart) => {
          const trace = nearest(chart, latest.current.traces);
          chart.over.style.cursor = trace ? 'pointer' : 'crosshair';
          latest.current.onHover(trace);
        },
      ],
      setSelect: [
        (chart) => {
          const { left, top, width, height } = chart.select;
          if (width < 4 || height < 2) return;
          dragged.current = true;
          latest.current.onSelect(regionBelow(chart, { left, top, width, height }));
          // From here on it is the mark that shows it, for as long as the address names it.
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  });
  return (
    <Chart
      data={data}
      height={150}
      options={options}
      service={props.service}
      keys={KEYS}
      shape={`scatter ${marked ? Object.values(marked).join(' ') : ''}`}
      label={`Duration of ${traces.length} traces over time`}
    />
  );
}
