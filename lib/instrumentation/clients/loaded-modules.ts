import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { applicationRequire } from '../../process/application-require.js';
import { guardListener } from './subscribe-channels.js';

/** A package that is met once it is loaded: by the path of one of its files. */
export interface LoadedModulePattern {
  /** Name by which it is required, `pg`. */
  readonly name: string;
  /** Matches the path of the file whose exports are wanted. */
  readonly file: RegExp;
  /** Matches the path of any file of the package. */
  readonly anyFile: RegExp;
}

const SEPARATOR = String.raw`[\\/]`;

/** Matches a file of a package wherever it is installed: `fileOf('pg', 'lib/index.js')`. */
export function fileOf(name: string, file: string): LoadedModulePattern {
  const folder = SEPARATOR + toPattern(`node_modules/${name}/`);
  return { name, file: new RegExp(`${folder}${toPattern(file)}$`), anyFile: new RegExp(folder) };
}

function toPattern(path: string): string {
  return path.replaceAll('.', String.raw`\.`).replaceAll('/', SEPARATOR);
}

/**
 * Finds the exports of every copy of a CommonJS module this process has loaded so far, without loading any: whoever
 * imported it, from ESM too, it is in the CommonJS cache.
 */
export function findLoadedModules({ file }: LoadedModulePattern): unknown[] {
  const { cache } = applicationRequire();
  return Object.entries(cache)
    .filter(([path, module]) => file.test(path) && module?.loaded !== false)
    .map(([, module]) => module?.exports as unknown);
}

type Found = (exports: unknown) => () => void;

interface Watched {
  readonly pattern: LoadedModulePattern;
  readonly found: Found;
  readonly seen: Map<unknown, () => void>;
}

const watched = new Set<Watched>();
const REQUIRED = 'tracing:module.require:end';
const onRequired = guardListener(REQUIRED, (message) => {
  // Node tells of every `require()`, and of the CommonJS files that ESM imports by their whole path.
  const { id } = message as { readonly id: string };
  for (const entry of watched) {
    if (id === entry.pattern.name || entry.pattern.anyFile.test(id)) lookAgain(entry);
  }
});

/**
 * Calls `found` with the exports of each copy of a module: of those that are loaded, now, and of those that come later, when
 * they have been loaded. The undo that is returned calls what `found` returned.
 */
export function whenModuleLoaded(pattern: LoadedModulePattern, found: Found): () => void {
  const entry: Watched = { pattern, found, seen: new Map() };
  watched.add(entry);
  lookAgain(entry);
  if (watched.size === 1) subscribe(REQUIRED, onRequired);
  return () => {
    if (watched.delete(entry) && watched.size === 0) unsubscribe(REQUIRED, onRequired);
    for (const undo of entry.seen.values()) undo();
    entry.seen.clear();
  };
}

function lookAgain({ pattern, found, seen }: Watched): void {
  for (const exports of findLoadedModules(pattern)) {
    if (!seen.has(exports)) seen.set(exports, found(exports));
  }
}
