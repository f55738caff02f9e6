import { type ExemplarAnswer } from '../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import { type StartAnswer } from '../../../lib/dashboard/reader/answers/traffic.interface.js';
import { clusterDots, slowestOfEachBucket } from '../../../lib/dashboard/ui/charts/choose-dots.js';
import { clusterStarts } from '../../../lib/dashboard/ui/charts/cluster-starts.js';
import { boxOf, type Draft, moveDraft } from '../../../lib/dashboard/ui/charts/region-grid.js';
import { sparklinePath } from '../../../lib/dashboard/ui/parts/sparkline-path.js';

const exemplar = (time: number, value: number, error = false): ExemplarAnswer => ({
  time,
  value,
  error,
  traceId: `${time}`,
  spanId: `${value}`,
  label: 'POST /process',
});

describe('the dots of a chart', () => {
  const times = Array.from({ length: 60 }, (_, index) => index * 15_000);

  it('are the slowest and one failed of each bucket: a share of errors of 4 % hides no slow one', () => {
    const requests = times.flatMap((time) => [
      ...Array.from({ length: 96 }, (_, index) => exemplar(time + index * 100, 100 + index)),
      ...Array.from({ length: 4 }, (_, index) => exemplar(time + index * 100, 20 + index, true)),
    ]);
    const chosen = slowestOfEachBucket(requests, times);
    expect(chosen.filter(({ error }) => error).map(({ value }) => value)).toEqual(times.map(() => 23));
    expect(chosen.filter(({ error }) => !error).map(({ value }) => value)).toEqual(times.map(() => 195));
  });

  it('do not lie on top of each other: the slowest stands for those near it, of each kind', () => {
    const dot = (left: number, value: number, error = false) => ({
      exemplar: exemplar(left, value, error),
      others: 0,
      plain: false,
      left,
      top: 100 - value,
    });
    const shown = clusterDots([dot(10, 20), dot(13, 22), dot(60, 20), dot(11, 21, true)]);
    expect(shown.map(({ left, others, exemplar: { error } }) => [left, others, error])).toEqual([
      [13, 1, false],
      [60, 0, false],
      [11, 0, true],
    ]);
  });
});

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

const GRID = { columns: 10, rows: 4 };

/** Presses keys one after the other; `+` before one means that Shift is held. */
function press(keys: readonly string[], grid = GRID): Draft | undefined {
  return keys.reduce<Draft | undefined>(
    (draft, key) => moveDraft(draft, key.replace('+', ''), key.startsWith('+'), grid),
    undefined,
  );
}

describe('keys over a chart', () => {
  it('begin at the newest, and stay within', () => {
    expect(press(['ArrowLeft'])?.at).toEqual({ column: 8, row: 2 });
    expect(press(['ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowDown'])?.at).toEqual({ column: 9, row: 3 });
    expect(press(['Home', 'ArrowLeft'])?.at).toEqual({ column: 0, row: 2 });
  });

  it('select every cell between where Shift was pressed and where they are', () => {
    const draft = press(['ArrowLeft', '+ArrowLeft', '+ArrowLeft', '+ArrowUp'])!;
    expect(boxOf(draft, GRID)).toEqual({ left: 0.6, top: 0.25, width: 0.3, height: 0.5 });
  });

  it('let go of the selection when Shift is not held', () => {
    expect(press(['+ArrowLeft', 'ArrowLeft'])?.anchor).toBeUndefined();
  });

  it('go from bucket to bucket only where a chart has one row', () => {
    const grid = { columns: 10, rows: 1 };
    expect(moveDraft(undefined, 'ArrowUp', true, grid)).toBeUndefined();
    expect(boxOf(press(['Home'], grid)!, grid)).toEqual({ left: 0, top: 0, width: 0.1, height: 1 });
  });

  it('are not taken from the page where they lead nowhere', () => {
    expect(moveDraft(undefined, 'z', false, GRID)).toBeUndefined();
    expect(moveDraft(undefined, 'ArrowLeft', false, { columns: 0, rows: 1 })).toBeUndefined();
  });
});

describe('the path of a sparkline', () => {
  it('goes from zero at the bottom to the maximum at the top, over the whole width', () => {
    expect(sparklinePath([0, 50, 100])).toBe('M0.0 16.5L36.0 9.0L72.0 1.5');
  });

  it('has a gap where a value is missing, and a dash for one without neighbours', () => {
    expect(sparklinePath([10, 10, null, 10, null])).toBe('M0.0 1.5L18.0 1.5M52.5 1.5h3');
    expect(sparklinePath([5])).toBe('M0.0 1.5h3');
  });

  it('is flat at the bottom where nothing happened, and empty where nothing is known', () => {
    expect(sparklinePath([0, 0])).toBe('M0.0 16.5L72.0 16.5');
    expect(sparklinePath([null, null])).toBe('');
    expect(sparklinePath([])).toBe('');
  });
});
