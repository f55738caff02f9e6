import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { findLogs } from '../../lib/dashboard/sqlite/queries/find-logs.js';
import { cleanUp, newFolder, openTestStore } from '../dashboard/sqlite/open-test-store.js';

const program = join(__dirname, 'programs/failing-start.mjs');

afterEach(cleanUp);

describe('an application that fails while its container is filled', () => {
  it.each([
    ['esm', 'forRoot'],
    ['esm', 'forRootAsync'],
    ['cjs', 'forRoot'],
    ['cjs', 'forRootAsync'],
  ])('has stored what it logged, so that the next start can show it (%s, %s)', (format, method) => {
    const file = join(newFolder(), 'telemetry.db');
    const { status } = spawnSync(process.execPath, [program, format, file, method], {
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'development' },
      timeout: 50_000,
    });
    expect(status).toBe(1);
    const lines = openTestStore({ file }).read((database) => findLogs(database, {})).items;
    expect(lines.map(({ message }) => message)).toContain('no shelf');
  });
});
