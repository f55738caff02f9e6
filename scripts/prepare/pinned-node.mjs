import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The executable of the Node the project pins, or the one running this when it is recent enough to stand in. */
export function pinnedNode(root) {
  const pinned = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(pinned)) return pinned;
  const [major, minor] = process.versions.node.split('.').map(Number);
  // jest needs 24.9 to load ESM-only packages.
  if (major > 24 || (major === 24 && minor >= 9)) return process.execPath;
  throw new Error(
    `Node ${process.versions.node} is too old, and node_modules has no Node 24: were install scripts switched off (ignore-scripts)? "npm rebuild node" fetches it.`,
  );
}
