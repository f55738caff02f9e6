import { useMemo } from 'preact/hooks';

import type { ProcessChartsAnswer } from '../../../reader/answers/processes.interface.js';
import { bucketAt } from '../../../ui/charts/axes.js';
import { TimeChart } from '../../../ui/charts/time-chart.js';
import { formatTime } from '../../../ui/format.js';
import { Notice } from '../../../ui/parts/notice.js';
import { type Place, setQuery } from '../../../ui/state.js';
import { groupCharts } from './group-charts.js';

const numberOf = (text: string | null): number | undefined =>
  text === null || !(Number(text) > 0) ? undefined : Number(text);

interface ProcessChartsProps {
  readonly charts: ProcessChartsAnswer;
  readonly place: Place;
}

/** Every chart of a process, with one cursor: chosen by a click, moved by the keys of its slider, and part of the address. */
export function ProcessCharts({ charts: { process, times, series }, place: { query } }: ProcessChartsProps) {
  const charts = useMemo(() => groupCharts(series), [series]);
  const asked = numberOf(query.get('at'));
  const at = asked ?? process.lastSeen;
  const until = numberOf(query.get('until'));
  const moveTo = (to: number): void => {
    setQuery(
      { at: Math.round(to), until: undefined, traceId: undefined, instance: process.instance },
      { replace: true },
    );
  };
  if (charts.length === 0) return <Notice>This process reported nothing in this time range.</Notice>;
  const index = bucketAt(times, at);
  const text = index === undefined ? `${formatTime(at)}, outside of this time range` : formatTime(at);
  return (
    <>
      <label class="runtime-cursor">
        <span>Cursor: {text}</span>
        <input
          type="range"
          min={0}
          max={Math.max(0, times.length - 1)}
          value={index ?? times.length - 1}
          aria-label="Cursor over all charts"
          aria-valuetext={text}
          onInput={(event) => {
            moveTo(times[Number(event.currentTarget.value)] ?? at);
          }}
        />
      </label>
      <div class="runtime-charts">
        {charts.map(({ title, series: lines, format }) => (
          <TimeChart
            key={title}
            title={title}
            times={times}
            series={lines}
            format={format}
            sync="runtime"
            height={130}
            service={process.service}
            cursor={{ at, onPick: moveTo }}
            marked={
              asked !== undefined && until !== undefined && until > asked
                ? { from: asked, to: until }
                : undefined
            }
          />
        ))}
      </div>
    </>
  );
}
