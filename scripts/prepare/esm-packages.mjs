import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders below `root`, with `/` between, of every installed package whose `.js` files are ES modules. */
export function esmPackages(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.keys(packages).filter((folder) => folder !== '' && isEsm(join(root, folder)));
}

function isEsm(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type === 'module';
  } catch {
    // Locked for another platform, and not installed here.
    return false;
  }
}
