import { join } from 'node:path';

import { cleanUp, newFolder, openTestStore } from './open-test-store.js';

afterEach(cleanUp);

describe('whileViewed()', () => {
  it('calls in every process on the file, and not before the store is viewed', () => {
    const file = join(newFolder(), 'telemetry.db');
    const [viewing, recording] = [openTestStore({ file }), openTestStore({ file })];
    const calls: string[] = [];
    viewing.whileViewed(60_000, () => calls.push('viewing'));
    recording.whileViewed(60_000, () => calls.push('recording'));
    const maintain = (): void => {
      for (const store of [viewing, recording]) store.maintain();
    };
    maintain();
    expect(calls).toEqual([]);
    viewing.markViewed();
    maintain();
    expect(calls).toEqual(['viewing', 'recording']);
    maintain();
    expect(calls).toHaveLength(2);
  });

  it('ends some seconds after the last view', () => {
    const store = openTestStore();
    let calls = 0;
    store.whileViewed(0, () => (calls += 1));
    store.markViewed();
    store.maintain();
    expect(calls).toBe(1);
    store.maintain(Date.now() + 20_000);
    expect(calls).toBe(1);
  });

  it('calls no more when it was ended', () => {
    const store = openTestStore();
    const calls: string[] = [];
    const end = store.whileViewed(0, () => calls.push('first'));
    store.whileViewed(0, () => calls.push('second'));
    end();
    store.markViewed();
    store.maintain();
    expect(calls).toEqual(['second']);
  });
});
