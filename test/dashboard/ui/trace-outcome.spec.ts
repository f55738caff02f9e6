import { failedSpans, statusOf, toneOf } from '../../../lib/dashboard/ui/parts/trace-outcome.js';

const outcome = (status: string | undefined, errorCount = 0, spanCount = 5) => ({
  status,
  errorCount,
  spanCount,
});

describe('how a trace ended', () => {
  it('is what the root says, though a span below it failed', () => {
    expect(toneOf(outcome('200', 2))).toBe('good');
    expect(toneOf(outcome('304'))).toBe('good');
    expect(failedSpans(outcome('200', 2))).toBe('2 spans failed');
  });

  it('is a failure of ours from 500 on, of RPC, and where there is a type of error', () => {
    for (const status of ['500', '503', 'DEADLINE_EXCEEDED', '14', 'TypeError']) {
      expect(toneOf(outcome(status, 1))).toBe('bad');
    }
    expect(toneOf(outcome('OK'))).toBe('good');
    expect(toneOf(outcome('0'))).toBe('good');
  });

  it('is a warning where the one who asked was wrong', () => {
    expect(toneOf(outcome('404'))).toBe('warn');
  });

  it('is not known where the root is silent and something failed below it', () => {
    expect(statusOf(outcome(undefined))).toBe('ok');
    expect(statusOf(outcome(undefined, 1))).toBe('–');
    expect(toneOf(outcome(undefined, 1))).toBe('good');
    expect(statusOf(outcome(undefined, 1, 1))).toBe('error');
    expect(toneOf(outcome(undefined, 1, 1))).toBe('bad');
  });
});
