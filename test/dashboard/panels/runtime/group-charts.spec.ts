import { groupCharts } from '../../../../lib/dashboard/panels/runtime/view/group-charts.js';
import { type ProcessSeries } from '../../../../lib/dashboard/reader/answers/processes.interface.js';

const line = (metric: ProcessSeries['metric'], label: string, value: number | null): ProcessSeries => ({
  metric,
  label,
  values: [value],
  peaks: [value === null ? null : value * 2],
});

describe('charts of a process', () => {
  it('leave out what the process does not report', () => {
    expect(groupCharts([])).toEqual([]);
    expect(groupCharts([line('loopUtilization', '', null)])).toEqual([]);
    expect(groupCharts([line('loopUtilization', '', 0)]).map(({ title }) => title)).toEqual([
      'Event loop utilization',
    ]);
  });

  it('draw the delays of the event loop by their peaks, and garbage collection as share and as pause', () => {
    const charts = groupCharts([line('loopDelayMax', '', 0.5), line('gc', 'minor', 0.01)]);
    expect(charts.map(({ title, series }) => [title, series[0]!.label, series[0]!.values[0]])).toEqual([
      ['Event loop delay', 'longest', 1],
      ['Time in garbage collection', 'minor', 0.01],
      ['Mean pause of garbage collection', 'minor', 0.02],
    ]);
  });

  it('draw the highest of many lines, each in a colour of its own', () => {
    const all = Array.from({ length: 30 }, (_, index) => line('resources', `Type${index}`, index));
    const [chart] = groupCharts(all);
    expect(chart!.series.map(({ label }) => label)).toEqual([
      'Type29',
      'Type28',
      'Type27',
      'Type26',
      'Type25',
      'Type24',
    ]);
    expect(new Set(chart!.series.map(({ colour }) => colour)).size).toBe(6);
  });
});
