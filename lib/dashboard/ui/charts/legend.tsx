import type { Ref } from 'preact';
import type uPlot from 'uplot';

import { formatTime } from '../format.js';
import type { TimeChartProps, TimeSeries } from './time-chart.js';

/** The names of the lines, each with its value below the pointer. */
export function Legend({
  series,
  boxRef,
}: {
  readonly series: readonly TimeSeries[];
  readonly boxRef: Ref<HTMLDivElement>;
}) {
  return (
    <div class="legend" ref={boxRef}>
      {series.map(({ label, colour }) => (
        <span key={label} class="legend-entry">
          <i style={{ background: `var(${colour})` }} />
          {label} <b />
        </span>
      ))}
      <time />
    </div>
  );
}

/** Writes the values below the pointer straight into the legend: the pointer moves more often than the page should render. */
export function writeLegend(
  box: HTMLDivElement | null,
  chart: uPlot,
  { series, times, format }: TimeChartProps,
): void {
  if (!box) return;
  const index = chart.cursor.idx;
  box.querySelectorAll('b').forEach((cell, at) => {
    const value = index === null || index === undefined ? undefined : series[at]?.values[index];
    cell.textContent = value === null || value === undefined ? '' : format(value);
  });
  const time = index === null || index === undefined ? undefined : times[index];
  const cell = box.querySelector('time');
  if (cell) cell.textContent = time === undefined ? '' : formatTime(time, false);
}
