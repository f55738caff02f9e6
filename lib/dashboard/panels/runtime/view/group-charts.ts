import type { ProcessSeries } from '../../../reader/answers/processes.interface.js';
import type { ProcessMetric } from '../../../reader/process-metrics.js';
import { formatBytes, formatCount, formatDuration, formatShare } from '../../../ui/format.js';
import { COLOURS } from '../../../ui/parts/choose-colour.js';

/** A line of a chart; not imported from there, because specs without a page read this file. */
interface ChartLine {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** A CSS custom property. */
  readonly colour: string;
}

/** A chart of the view. */
export interface RuntimeChart {
  readonly title: string;
  readonly series: readonly ChartLine[];
  readonly format: (value: number) => string;
}

/** Which list of a series is drawn. */
type Drawn = 'values' | 'peaks';

interface ChartDefinition {
  readonly title: string;
  readonly format: (value: number) => string;
  /** Name of a line; the label stands for `*`. */
  readonly lines: readonly (readonly [metric: ProcessMetric, drawn: Drawn, name: string])[];
}

const formatSeconds = (seconds: number): string => formatDuration(seconds * 1_000);

const CHARTS: readonly ChartDefinition[] = [
  { title: 'CPU (share of all processors)', format: formatShare, lines: [['cpu', 'values', '*']] },
  {
    title: 'Memory',
    format: formatBytes,
    lines: [
      ['resident', 'values', 'resident'],
      ['heapReserved', 'values', 'heap reserved'],
      ['heapUsed', 'values', 'heap used'],
    ],
  },
  {
    title: 'Event loop delay',
    format: formatSeconds,
    lines: [
      ['loopDelayMax', 'peaks', 'longest'],
      ['loopDelayP99', 'peaks', 'p99'],
    ],
  },
  { title: 'Event loop utilization', format: formatShare, lines: [['loopUtilization', 'values', 'busy']] },
  { title: 'Time in garbage collection', format: formatShare, lines: [['gc', 'values', '*']] },
  { title: 'Mean pause of garbage collection', format: formatSeconds, lines: [['gc', 'peaks', '*']] },
  {
    title: 'Requests and connections',
    format: formatCount,
    lines: [
      ['requests', 'peaks', 'running requests'],
      ['webSockets', 'peaks', 'WebSockets'],
    ],
  },
  { title: 'Open resources', format: formatCount, lines: [['resources', 'peaks', '*']] },
  { title: 'Mean wait for a pooled connection', format: formatSeconds, lines: [['poolWait', 'peaks', '*']] },
];

/** Lines of one chart: more cannot be distinguished. */
const MAX_LINES = 6;

const highest = ({ peaks, values }: ProcessSeries): number =>
  [...peaks, ...values].reduce<number>((max, value) => Math.max(max, value ?? 0), 0);

/** The charts of a process, without those that have no data. Of many lines the highest are drawn. */
export function groupCharts(all: readonly ProcessSeries[]): readonly RuntimeChart[] {
  return CHARTS.map(({ title, format, lines }) => {
    const series = lines.flatMap(([metric, drawn, name]) =>
      all
        .filter((each) => each.metric === metric && each[drawn].some((value) => value !== null))
        .sort((a, b) => highest(b) - highest(a))
        .slice(0, MAX_LINES)
        .map((each) => ({
          label: name === '*' ? each.label || metric : name,
          values: each[drawn],
        })),
    );
    return {
      title,
      format,
      series: series.map((line, index) => ({ ...line, colour: `--series-${index % COLOURS}` })),
    };
  }).filter(({ series }) => series.length > 0);
}
