import { resolve } from './resolve.js';

describe('the store', () => {
  it('is kept in development, in a file of the working directory, within bounds', () => {
    expect(resolve().store).toEqual({
      file: '.telemetry/telemetry.db',
      maxAgeMs: 86_400_000,
      maxBytes: 268_435_456,
      maxSpans: 500_000,
      maxLogs: 500_000,
      maxPoints: 1_000_000,
    });
  });

  it.each(['production', 'test'])('is not kept in an environment of %s', (environment) => {
    expect(resolve({ environment }).store).toBeUndefined();
  });

  it('is kept wherever the dashboard is served, in tests in memory', () => {
    expect(resolve({ environment: 'test', dashboard: true }).store?.file).toBe(':memory:');
    const dashboard = { enabled: true, token: 'a-token-nobody-guesses' };
    expect(resolve({ environment: 'production', dashboard }).store?.file).toBe('.telemetry/telemetry.db');
  });

  it.each(['production', 'test'])('is kept in %s when a file or a bound is set for it', (environment) => {
    expect(resolve({ environment, store: { file: '/data/t.db' } }).store?.file).toBe('/data/t.db');
    expect(resolve({ environment, store: { maxAgeHours: 2 } }).store?.maxAgeMs).toBe(7_200_000);
    const env = { TELEMETRY_STORE_FILE: '/data/t.db' };
    expect(resolve({ environment }, env).store?.file).toBe('/data/t.db');
  });

  it('is not kept where a file is set but the store is switched off, or nothing in it is set', () => {
    const environment = 'production';
    const store = { file: '/data/t.db' };
    expect(resolve({ environment, store: { ...store, enabled: false } }).store).toBeUndefined();
    expect(resolve({ environment, store }, { TELEMETRY_STORE: 'false' }).store).toBeUndefined();
    expect(resolve({ environment, store: {} }).store).toBeUndefined();
  });

  it('takes file and bounds from code before the environment', () => {
    const env = { TELEMETRY_STORE_FILE: '/data/t.db' };
    expect(resolve({}, env).store?.file).toBe('/data/t.db');
    expect(resolve({ store: { file: ':memory:', maxAgeHours: 2 } }, env).store).toMatchObject({
      file: ':memory:',
      maxAgeMs: 7_200_000,
    });
  });

  it('is switched by code before the environment', () => {
    expect(resolve({ store: false }, { TELEMETRY_STORE: 'true' }).store).toBeUndefined();
    expect(resolve({}, { TELEMETRY_STORE: 'false' }).store).toBeUndefined();
    expect(resolve({ environment: 'production', store: true }).store).toBeDefined();
  });
});
