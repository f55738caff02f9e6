// Runs what needs a real browser: the page with made-up data, and the sample system with the dashboard. The browser is the one that
// test/browser/find-chromium.mjs finds; without one the specs are skipped, and it is said how to get one. Further arguments go to
// jest. Screenshots are kept in .cache/screenshots. The specs with a ClickHouse behind the page also need what find-backends.mjs finds.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findChromium, HOW_TO_GET_CHROMIUM } from '../test/browser/find-chromium.mjs';
import { findClickHouse, findCollector } from './prepare/find-backends.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs one script of the project and returns its exit code. */
function run(script, args, env = {}) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return status ?? 1;
}

const args = process.argv.slice(2);
const chromium = await findChromium();
if (chromium === undefined) console.warn(`There is no browser to test in: ${HOW_TO_GET_CHROMIUM}.`);
const backends = chromium === undefined ? {} : { clickhouse: findClickHouse(), collector: findCollector() };
for (const [name, { missing }] of Object.entries(backends))
  if (missing) console.warn(`Skipped without ${name}: ${missing}.`);
const page = mkdtempSync(join(tmpdir(), 'telemetry-page-'));
const env = {
  // Specs look for what is installed only: a package may have to unpack its browser first.
  ...(chromium && { CHROMIUM_BIN: chromium }),
  TELEMETRY_BACKENDS: JSON.stringify(backends),
  BUILT_PAGE: page,
};
try {
  // One after the other: two browsers side by side would measure each other.
  process.exitCode =
    run('build.mjs', ['--all']) ||
    run('build-ui.mjs', [page]) ||
    run('jest.mjs', ['browser', '--runInBand', ...args], env);
} finally {
  rmSync(page, { recursive: true, force: true });
}
