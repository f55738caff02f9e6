import { type StartAnswer } from '../../../lib/dashboard/reader/answers/traffic.interface.js';
import { clusterStarts } from '../../../lib/dashboard/ui/charts/cluster-starts.js';

const NOON = new Date(2026, 10, 29, 12, 0, 0).getTime();
const SCALE = { from: NOON, to: NOON + 600_000, width: 600 };

/** One pixel is a second. */
const start = (
  second: number,
  version: string,
  previousVersion?: string,
  service = 'worker',
): StartAnswer => ({
  service,
  version,
  time: NOON + second * 1_000,
  previousVersion,
});
const labels = (starts: readonly StartAnswer[], service?: string): readonly string[] =>
  clusterStarts(starts, SCALE, service).map(({ label }) => label);

describe('the marks of starts in a chart', () => {
  it('name a change of version and a restart, with their time', () => {
    const marks = clusterStarts([start(60, '0.2.0', '0.1.0'), start(183, '0.2.0', '0.2.0')], SCALE);
    expect(marks).toEqual([
      {
        left: 60,
        label: 'worker 0.2.0 (before: 0.1.0) started at 12:01:00',
        isChange: true,
        start: start(60, '0.2.0', '0.1.0'),
      },
      {
        left: 183,
        label: 'worker 0.2.0 restarted at 12:03:03',
        isChange: false,
        start: start(183, '0.2.0', '0.2.0'),
      },
    ]);
  });

  it('leave out the first process of a service, other services and other times', () => {
    const starts = [
      start(-60, '1', '0'),
      start(10, '1'),
      start(100, '2', '1', 'orders'),
      start(700, '3', '2'),
    ];
    expect(labels(starts, 'worker')).toEqual([]);
    expect(labels(starts)).toEqual(['orders 2 (before: 1) started at 12:01:40']);
  });

  it('show a rolling restart of several processes as one change, where the first of them started', () => {
    const rolling = [
      start(100, '0.2.0', '0.1.0'),
      start(103, '0.2.0', '0.2.0'),
      start(106, '0.2.0', '0.2.0'),
    ];
    expect(clusterStarts(rolling, SCALE)).toEqual([
      {
        left: 100,
        label: 'worker 0.2.0 (before: 0.1.0) started in 3 processes 12:01:40 to 12:01:46',
        isChange: true,
        start: rolling[0],
      },
    ]);
  });

  it('count many restarts that are close to each other', () => {
    const many = Array.from({ length: 12 }, (_, index) => start(200 + index, '1', '1'));
    expect(labels(many)).toEqual(['12 restarts of worker 12:03:20 to 12:03:31']);
    expect(labels([...many, start(205, '1', '1', 'orders')])).toEqual(['13 restarts 12:03:20 to 12:03:25']);
  });

  it('are so few that the chart can be seen, however often a process restarts', () => {
    const loop = Array.from({ length: 500 }, (_, index) => start(index, '1', '1'));
    const marks = clusterStarts(loop, SCALE);
    expect(marks.length).toBeLessThanOrEqual(24);
    expect(marks.every(({ left }, index) => left - (marks[index - 1]?.left ?? -Infinity) >= 14)).toBe(true);
  });

  it('name a few of many changes that are close to each other, and those of a service without a version', () => {
    const changes = [1, 2, 3, 4, 5].map((version) =>
      start(300 + version, `${version}`, version === 1 ? '' : `${version - 1}`),
    );
    expect(labels(changes)).toEqual([
      'worker 1 (before: no version) started, worker 2 (before: 1) started, worker 3 (before: 2) started, 2 other changes of version 12:05:01 to 12:05:05',
    ]);
    expect(labels([start(10, '', '')])).toEqual(['worker restarted at 12:00:10']);
  });
});
