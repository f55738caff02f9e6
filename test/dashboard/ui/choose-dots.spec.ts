import { type ExemplarAnswer } from '../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import { clusterDots, slowestOfEachBucket } from '../../../lib/dashboard/ui/charts/choose-dots.js';

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
