import { compileIgnoreRules } from '../../../lib/instrumentation/http-server/recording-settings.js';

describe('compileIgnoreRules()', () => {
  it('matches strings exactly', () => {
    const ignores = compileIgnoreRules(['/health']);
    expect([ignores('/health'), ignores('/healthy'), ignores('/api/health')]).toEqual([true, false, false]);
  });

  it('matches strings that end in * as prefixes', () => {
    const ignores = compileIgnoreRules(['/internal/*']);
    expect([ignores('/internal/jobs'), ignores('/internal')]).toEqual([true, false]);
  });

  it('matches templates of routes by the route itself and by its paths', () => {
    const ignores = compileIgnoreRules(['/jobs/:id/runs', '/files/*path']);
    expect(['/jobs/:id/runs', '/jobs/7/runs', '/files/a/b'].map(ignores)).toEqual([true, true, true]);
    expect(['/jobs/7', '/jobs/7/8/runs', '/file'].map(ignores)).toEqual([false, false, false]);
  });

  it('gives a global regular expression the same answer each time', () => {
    const ignores = compileIgnoreRules([/^\/live/g]);
    expect([ignores('/livez'), ignores('/livez'), ignores('/livez')]).toEqual([true, true, true]);
  });

  it('ignores nothing without rules', () => {
    expect(compileIgnoreRules([])('/metrics')).toBe(false);
  });
});
