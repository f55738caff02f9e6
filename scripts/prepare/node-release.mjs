import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { runCommand } from './run-command.mjs';

/** The executable of that release of Node, kept in .cache; npm brings it when it is asked for the first time. */
export function nodeRelease(root, version) {
  const folder = join(root, `.cache/node-${version}`);
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const executable = join(folder, 'node_modules/node/bin', name);
  // Its install script is what puts the executable there.
  if (!existsSync(executable)) installTools(folder, { node: version });
  return executable;
}

/** Installs these versions of tools in a folder that is kept, with their install scripts. */
export function installTools(folder, versions) {
  mkdirSync(folder, { recursive: true });
  const allowScripts = Object.fromEntries(Object.keys(versions).map((name) => [name, true]));
  const manifest = { private: true, dependencies: versions, allowScripts };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  runCommand('npm', ['install', '--prefix', folder, ...quiet], { cwd: folder, stdout: 'ignore' });
}
