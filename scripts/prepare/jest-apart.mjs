// A suite that runs outside of the repository against the packed library, in jest as its user would run it.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { ciArguments } from './ci-arguments.mjs';
import { checkManifest, installApart, lockApart, mirrorLibrary, openRunFolder } from './package-apart.mjs';
import { packLibrary, unpackLibrary } from './packed-library.mjs';

/**
 * Runs what the command line asks for.
 *
 * `fixture` is the folder with the suite's package.json and lockfile, `tools` the packages it takes in the repository's
 * versions, `assemble(folder, installed)` copies the suite into a new folder that has the unpacked library, and `commands`
 * are further first arguments of the command line: each gets the other arguments and returns those of jest, or undefined
 * where nothing is to run.
 */
export function runApart({ root, fixture, script, tools, assemble, jestArgs = [], commands = {} }) {
  const [first = '', ...others] = process.argv.slice(2);
  try {
    const manifest = mirrorLibrary(root, fixture, tools);
    if (first === '--lock') {
      lockApart(fixture, manifest);
      return;
    }
    checkManifest(fixture, manifest, `scripts/${script}.mjs`);
    const installed = installApart(fixture);
    const command = commands[first] ?? (() => process.argv.slice(2));
    const args = command(others);
    if (args !== undefined)
      process.exitCode = runJest({ root, installed, script, assemble, args: [...jestArgs, ...args] });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

function runJest({ root, installed, script, assemble, args }) {
  const folder = openRunFolder(installed);
  unpackLibrary(packLibrary(root, folder).path, folder);
  assemble(folder, installed);
  // Flags that the repository's own jest needs must not help here.
  const env = { ...process.env };
  delete env['NODE_OPTIONS'];
  const jest = join(installed, 'node_modules/jest/bin/jest.js');
  const { status } = spawnSync(
    process.execPath,
    [jest, '--watchman=false', ...ciArguments(script), ...args],
    {
      cwd: folder,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (env[`KEEP_${script.toUpperCase()}`] === undefined) rmSync(folder, { recursive: true, force: true });
  else console.log(`kept ${folder}`);
  return status ?? 1;
}
