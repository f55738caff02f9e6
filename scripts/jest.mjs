// Runs jest with the flag it needs to load ESM-only Nest 12. Where TEST_RESULTS_DIR is set, the results are written there as
// JSON too.
//
//   node scripts/jest.mjs PROJECT[,PROJECT] [jest arguments]     the projects are those of jest.config.mjs
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const results = process.env['TEST_RESULTS_DIR'];
const json = results ? ['--json', `--outputFile=${join(results, `jest-${process.pid}.json`)}`] : [];
const [projects = 'architecture,unit,e2e', ...args] = process.argv.slice(2);
// Last: jest takes whatever follows --selectProjects for a project.
const selected = ['--selectProjects', ...projects.split(',')];
const { status } = spawnSync(process.execPath, [...flags, jest, ...json, ...args, ...selected], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
