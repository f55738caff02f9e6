import type uPlot from 'uplot';

import { formatDuration, formatTime } from '../format.js';
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
export const regionBelow = (chart: uPlot, { left, top, width, height }: Box): Region => ({
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
const grid = { columns: 40, rows: 10 };

export const SCATTER_KEYS: RegionKeys = { grid, say };
