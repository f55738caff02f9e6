// Runs jest with the flag it needs to load ESM-only Nest 12; arguments pass through. Where TEST_RESULTS_DIR is set, the
// results are written there as JSON too.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const results = process.env['TEST_RESULTS_DIR'];
const json = results ? ['--json', `--outputFile=${join(results, `jest-${process.pid}.json`)}`] : [];
const { status } = spawnSync(process.execPath, [...flags, jest, ...json, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
