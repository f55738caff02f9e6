import { join } from 'node:path';

import { waitUntil } from '../../support/wait-until.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';

afterEach(cleanUp);

describe('who asks to be told that somebody looks at the store', () => {
  it('is told in every process on the file, and not before anybody looks', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const [reading, recording] = [openTestStore({ file }), openTestStore({ file })];
    const told: string[] = [];
    reading.whileRead(60_000, () => told.push('reading'));
    recording.whileRead(60_000, () => told.push('recording'));
    // Each looks every second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(told).toEqual([]);
    reading.noteReader();
    await waitUntil(() => told.length === 2);
    expect(told.sort()).toEqual(['reading', 'recording']);
  });

  it('is told no more when it does not want to know', async () => {
    const store = openTestStore();
    const told: string[] = [];
    const stop = store.whileRead(0, () => told.push('first'));
    store.whileRead(0, () => told.push('second'));
    stop();
    store.noteReader();
    await waitUntil(() => told.length > 0);
    expect(new Set(told)).toEqual(new Set(['second']));
  });
});
