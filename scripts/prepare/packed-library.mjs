import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { pinnedNode } from './pinned-node.mjs';
import { runCommand } from './run-command.mjs';

/** Builds the library and packs it into `folder`; returns the path of the tarball. */
export function packLibrary(root, folder) {
  runCommand(pinnedNode(root), [join(root, 'scripts/build.mjs')], { cwd: root });
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(runCommand('npm', args, { cwd: root, stdout: 'pipe' }));
  return join(folder, filename);
}

/** Unpacks the tarball to where `import 'nestjs-telemetry'` finds it in `folder`. */
export function unpackLibrary(tarball, folder) {
  const unpacked = join(folder, 'node_modules/nestjs-telemetry');
  mkdirSync(unpacked, { recursive: true });
  runCommand('tar', ['-xzf', tarball, '--strip-components=1', '-C', unpacked], { cwd: folder });
}
