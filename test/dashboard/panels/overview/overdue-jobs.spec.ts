import { judgeJob } from '../../../../lib/dashboard/panels/overview/overdue-jobs.js';

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

/** Begun every five minutes, the last one so many minutes ago. */
const runsOf = (minutesAgo: number, { count = 8, every = 5, durationMs = 1_000 } = {}) =>
  Array.from({ length: count }, (_, index) => ({
    start: NOW - (minutesAgo + index * every) * MINUTE,
    durationMs,
  }));
const job = (runs: ReturnType<typeof runsOf>) => ({ service: 'worker', route: 'clean up', runs });

describe('a job', () => {
  it('is overdue when twice its usual interval has passed', () => {
    expect(judgeJob(job(runsOf(11)), NOW, NOW)).toEqual({
      kind: 'overdue',
      service: 'worker',
      route: 'clean up',
      everyMs: 5 * MINUTE,
      lastRun: NOW - 11 * MINUTE,
    });
    expect(judgeJob(job(runsOf(9)), NOW, NOW)).toBeUndefined();
  });

  it('has the time that its longest run took', () => {
    expect(judgeJob(job(runsOf(11, { durationMs: 2 * MINUTE })), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job(runsOf(13, { durationMs: 2 * MINUTE })), NOW, NOW)).toBeDefined();
  });

  it('is judged by the median, so that one run by hand or one that was missed changes nothing', () => {
    const byHand = { start: NOW - 61.5 * MINUTE, durationMs: 1_000 };
    expect(judgeJob(job([...runsOf(11, { count: 11 }), byHand]), NOW, NOW)).toMatchObject({
      everyMs: 5 * MINUTE,
    });
  });

  it('that never ran at regular times, or less than six times, is none', () => {
    const irregular = [11, 12, 25, 26, 70, 71, 120, 121].map((minutes) => ({
      start: NOW - minutes * MINUTE,
      durationMs: 1,
    }));
    expect(judgeJob(job(irregular), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job(runsOf(60, { count: 5 })), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job([]), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job(runsOf(60, { every: 0 })), NOW, NOW)).toBeUndefined();
  });

  it('that runs now is not overdue', () => {
    const running = [
      { traceId: 'a', spanId: 'b', name: 'clean up', service: 'worker', start: NOW, elapsedMs: 5 },
    ];
    expect(judgeJob(job(runsOf(60)), NOW, NOW, running)).toBeUndefined();
    expect(judgeJob(job(runsOf(60)), NOW, NOW, [{ ...running[0]!, service: 'other' }])).toBeDefined();
  });

  it('of a service that was stopped is not overdue', () => {
    expect(judgeJob(job(runsOf(60)), NOW, NOW - 59 * MINUTE)).toBeUndefined();
  });
});
