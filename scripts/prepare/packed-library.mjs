import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { environmentOf } from './fresh-project.mjs';
import { pinnedNode } from './pinned-node.mjs';
import { runCommand } from './run-command.mjs';

/**
 * Builds the library and packs it into `folder`; returns what npm says of the tarball: `filename`, `files`, `size`,
 * `unpackedSize`, `integrity` …, with its `path`. With the pinned Node, because each compresses differently.
 */
export function packLibrary(root, folder) {
  const node = pinnedNode(root);
  runCommand(node, [join(root, 'scripts/build.mjs')], { cwd: root });
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const [packed] = JSON.parse(
    runCommand('npm', args, { cwd: root, env: environmentOf(node), stdout: 'pipe' }),
  );
  return { ...packed, path: join(folder, packed.filename) };
}

/** Unpacks the tarball to where `import 'nestjs-telemetry'` finds it in `folder`; returns that place. */
export function unpackLibrary(tarball, folder) {
  const unpacked = join(folder, 'node_modules/nestjs-telemetry');
  mkdirSync(unpacked, { recursive: true });
  runCommand('tar', ['-xzf', tarball, '--strip-components=1', '-C', unpacked], { cwd: folder });
  return unpacked;
}
