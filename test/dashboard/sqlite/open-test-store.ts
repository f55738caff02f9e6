import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openStore, type StoreOptions, type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';

const LIMITS: Omit<StoreOptions, 'file'> = {
  maxAgeMs: 24 * 3_600_000,
  maxBytes: 256 * 1_024 * 1_024,
  maxSpans: 200_000,
  maxLogs: 200_000,
  maxPoints: 500_000,
};

const open: TelemetryStore[] = [];
const folders: string[] = [];

/** A store with the bounds of the documentation, unless `options` say otherwise; in memory unless they name a file. */
export function openTestStore(options: Partial<StoreOptions> = {}): TelemetryStore {
  const store = openStore({ file: ':memory:', ...LIMITS, ...options });
  if (store === undefined) throw new Error('there is no SQLite');
  open.push(store);
  return store;
}

/** A folder of its own, which `cleanUp()` removes. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'store-'));
  folders.push(folder);
  return folder;
}

/** Closes every store and removes every folder. */
export async function cleanUp(): Promise<void> {
  for (const store of open.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
