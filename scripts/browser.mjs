// Runs what needs a real browser: the page with made-up data, and the sample system with the dashboard. The browser is
// CHROMIUM_BIN, else `chromium` or `google-chrome` on the PATH; without one the specs are skipped and say so. Further arguments
// go to jest. Screenshots are kept in .cache/screenshots.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs one script of the project and returns its exit code. */
function run(script, args) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  return status ?? 1;
}

const args = process.argv.slice(2);
// One after the other: two browsers at once would measure each other.
process.exitCode =
  run('build.mjs', ['--all']) || run('jest.mjs', ['--runInBand', ...args, '--selectProjects', 'browser']);
