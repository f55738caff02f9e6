import type uPlot from 'uplot';

import { formatTime } from '../format.js';
import type { Colours } from './chart.js';

const FONT = '11px system-ui, sans-serif';

/** The time axis: clock times, or days where the span is longer than two. */
export const timeAxis = (colour: Colours): uPlot.Axis => ({
  stroke: colour('--muted'),
  font: FONT,
  size: 22,
  gap: 6,
  // A time with its seconds, and some air.
  space: 72,
  grid: { stroke: colour('--grid'), width: 1 },
  ticks: { show: false },
  values: (_chart, splits, _axis, _space, increment) =>
    splits.map((time) => {
      if (increment >= 86_400_000)
        return new Date(time).toLocaleDateString('en', { month: 'short', day: 'numeric' });
      return increment >= 60_000 ? formatTime(time, false).slice(0, 5) : formatTime(time, false);
    }),
});

/** uPlot leaves out some marks of a logarithmic scale by null, which its types do not say. */
const labelOf =
  (format: (value: number) => string) =>
  (value: number | null): string =>
    value === null ? '' : format(value);

/** A value axis that writes its numbers as the page does everywhere else. */
export const valueAxis = (colour: Colours, format: (value: number) => string): uPlot.Axis => ({
  stroke: colour('--muted'),
  font: FONT,
  size: 58,
  gap: 4,
  grid: { stroke: colour('--grid'), width: 1 },
  ticks: { show: false },
  values: (_chart, splits) => splits.map(labelOf(format)),
});
