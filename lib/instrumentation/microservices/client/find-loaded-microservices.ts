import * as packages from '@nestjs/common/utils/load-package.util.js';

import { applicationRequire, findLoadedFiles } from '../../../process/application-modules.js';

/** What is used of `@nestjs/microservices`. */
export interface MicroservicesPackage {
  readonly ClientProxy: { readonly prototype: object };
  readonly ClientKafka?: { readonly prototype: object };
  readonly BaseRpcExceptionFilter?: { readonly prototype: object };
}

const NAME = '@nestjs/microservices';
const ENTRY = /[\\/]node_modules[\\/]@nestjs[\\/]microservices[\\/]index\.js$/;

/**
 * Finds every copy of `@nestjs/microservices` this process has loaded so far, without loading any: NestJS 12 keeps what
 * its core has loaded, NestJS 11 is in the CommonJS cache. In a bundle there is neither.
 */
export function findLoadedMicroservices(): MicroservicesPackage[] {
  const loaded = findLoadedFiles(ENTRY).map((path): unknown => applicationRequire().cache[path]?.exports);
  return [keptByCore(), ...loaded].filter(isMicroservices);
}

function keptByCore(): unknown {
  const { loadPackageCached } = packages as { loadPackageCached?: (name: string) => unknown };
  try {
    return loadPackageCached?.(NAME);
  } catch {
    // It throws where the package has not been loaded.
    return undefined;
  }
}

function isMicroservices(value: unknown): value is MicroservicesPackage {
  return (
    typeof value === 'object' &&
    value !== null &&
    'ClientProxy' in value &&
    typeof value.ClientProxy === 'function'
  );
}
