// Runs jest with the flag it needs to load ESM-only Nest 12. What CI adds: see prepare/ci-arguments.mjs.
//
//   node scripts/jest.mjs PROJECT[,PROJECT] [jest arguments]     the projects are those of jest.config.mjs
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { ciArguments } from './prepare/ci-arguments.mjs';

const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const [projects = 'architecture,unit,e2e', ...args] = process.argv.slice(2);
// Last: jest takes whatever follows --selectProjects for a project.
const selected = ['--selectProjects', ...projects.split(',')];
const { status } = spawnSync(
  process.execPath,
  [...flags, jest, ...ciArguments('jest'), ...args, ...selected],
  {
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
