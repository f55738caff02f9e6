import { sparklinePath } from '../../../lib/dashboard/ui/parts/sparkline-path.js';

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
