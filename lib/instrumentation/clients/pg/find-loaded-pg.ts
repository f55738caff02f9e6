import { createRequire } from 'node:module';
import { join } from 'node:path';

import { type PgModule } from './pg-module.interface.js';

const ENTRY = /[\\/]node_modules[\\/]pg[\\/]lib[\\/]index\.js$/;

/**
 * Finds every copy of pg this process has loaded so far, without loading any. pg is a CommonJS package: whoever
 * imported it, from ESM too, its module is in the CommonJS cache.
 */
export function findLoadedPg(): PgModule[] {
  const { cache } = createRequire(join(process.cwd(), 'package.json'));
  return Object.entries(cache)
    .filter(([path]) => ENTRY.test(path))
    .map(([, module]) => module?.exports as unknown)
    .filter(isPgModule);
}

function isPgModule(value: unknown): value is PgModule {
  if (typeof value !== 'object' || value === null || !('Client' in value)) return false;
  const { Client } = value;
  return (
    typeof Client === 'function' &&
    typeof (Client.prototype as Partial<PgModule['Client']['prototype']>).query === 'function'
  );
}
