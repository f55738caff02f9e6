import type uPlot from 'uplot';

import type { ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
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

/** How far above the lines a dot may lift the scale; what lies higher sits at the top edge. */
const LIFT = 2.5;

/** From the first bucket to the end of the last: a time is where its bucket begins, and the newest dots lie in the last. */
export function extentOf(times: readonly number[]): [from: number, to: number] {
  const [first = 0, second = first + 1] = times;
  return [first, (times.at(-1) ?? first) + second - first];
}

/** The bucket that has an instant; undefined outside of all. */
export function bucketAt(times: readonly number[], at: number): number | undefined {
  const [from, to] = extentOf(times);
  const index = times.findLastIndex((time) => time <= at);
  return at < from || at >= to || index === -1 ? undefined : index;
}

/** The top of the value scale: above the lines, and above most dots. */
export function topOf(chart: uPlot, dataMax: number | null, exemplars: readonly ExemplarAnswer[]): number {
  const lines = dataMax ?? 0;
  const dots = exemplars.reduce((max, { value }) => Math.max(max, value), 0);
  const top = Math.max(lines, lines > 0 ? Math.min(dots, lines * LIFT) : dots) * 1.08;
  return top > 0 ? top : 1;
}

/** A value without neighbours has no line: it would not be seen at all. */
export function findLoneValues(chart: uPlot, seriesIndex: number): number[] {
  const values = chart.data[seriesIndex] ?? [];
  const missing = (index: number): boolean => values[index] === null || values[index] === undefined;
  return Array.from(values.keys()).filter(
    (index) => !missing(index) && missing(index - 1) && missing(index + 1),
  );
}

/** A part of a chart: instants, and values where it has a lower and an upper edge too. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
}

/** Paints a region behind the lines. */
export function drawMark(chart: uPlot, marked: Mark | undefined, colour: string): void {
  if (!marked) return;
  const { ctx, bbox } = chart;
  const pixel = (value: number | undefined, scale: string, otherwise: number): number =>
    value === undefined ? otherwise : chart.valToPos(value, scale, true);
  const left = Math.max(pixel(marked.from, 'x', 0), bbox.left);
  const right = Math.min(pixel(marked.to, 'x', Infinity), bbox.left + bbox.width);
  const top = Math.max(pixel(marked.maxMs, 'y', 0), bbox.top);
  const bottom = Math.min(pixel(marked.minMs, 'y', Infinity), bbox.top + bbox.height);
  if (right <= left || bottom <= top) return;
  ctx.save();
  ctx.globalAlpha = 0.14;
  ctx.fillStyle = colour;
  ctx.fillRect(left, top, right - left, bottom - top);
  ctx.restore();
}

/** Draws the line of an instant. */
export function drawCursor(chart: uPlot, at: number | undefined, colour: string): void {
  if (at === undefined) return;
  const { ctx, bbox } = chart;
  const left = Math.round(chart.valToPos(at, 'x', true));
  if (left < bbox.left || left > bbox.left + bbox.width) return;
  ctx.save();
  ctx.fillStyle = colour;
  ctx.fillRect(left - devicePixelRatio, bbox.top, 2 * devicePixelRatio, bbox.height);
  ctx.restore();
}
