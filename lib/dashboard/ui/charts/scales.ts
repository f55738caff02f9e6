import type uPlot from 'uplot';

import type { ApiExemplar } from '../../api/api.interface.js';

/** How far above the lines a dot may lift the scale; what lies higher sits at the top edge. */
const LIFT = 2.5;

/** From the first bucket to the end of the last: a time is where its bucket begins, and the newest dots lie in the last. */
export function extentOf(times: readonly number[]): [from: number, to: number] {
  const [first = 0, second = first + 1] = times;
  return [first, (times.at(-1) ?? first) + second - first];
}

/** The top of the value scale: above the lines, and above most dots. */
export function topOf(chart: uPlot, dataMax: number | null, exemplars: readonly ApiExemplar[]): number {
  const lines = dataMax ?? 0;
  const dots = exemplars.reduce((max, { value }) => Math.max(max, value), 0);
  const top = Math.max(lines, lines > 0 ? Math.min(dots, lines * LIFT) : dots) * 1.08;
  return top > 0 ? top : 1;
}

/** Paints a region behind the lines. */
export function drawMark(
  chart: uPlot,
  marked: readonly [from: number, to: number] | undefined,
  colour: string,
): void {
  if (!marked) return;
  const { ctx, bbox } = chart;
  const left = Math.max(chart.valToPos(marked[0], 'x', true), bbox.left);
  const right = Math.min(chart.valToPos(marked[1], 'x', true), bbox.left + bbox.width);
  if (right <= left) return;
  ctx.save();
  ctx.globalAlpha = 0.14;
  ctx.fillStyle = colour;
  ctx.fillRect(left, bbox.top, right - left, bbox.height);
  ctx.restore();
}
