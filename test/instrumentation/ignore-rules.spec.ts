import { compileIgnoreRules } from '../../lib/instrumentation/http-server/ignore-rules.js';

describe('compileIgnoreRules()', () => {
  it('matches strings exactly', () => {
    const ignores = compileIgnoreRules(['/health']);
    expect([ignores('/health'), ignores('/healthy'), ignores('/api/health')]).toEqual([true, false, false]);
  });

  it('matches strings that end in * as prefixes', () => {
    const ignores = compileIgnoreRules(['/internal/*']);
    expect([ignores('/internal/jobs'), ignores('/internal')]).toEqual([true, false]);
  });

  it('gives a global regular expression the same answer each time', () => {
    const ignores = compileIgnoreRules([/^\/live/g]);
    expect([ignores('/livez'), ignores('/livez'), ignores('/livez')]).toEqual([true, true, true]);
  });

  it('ignores nothing without rules', () => {
    expect(compileIgnoreRules([])('/metrics')).toBe(false);
  });
});
