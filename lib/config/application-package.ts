import { readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** The package.json of the application; name and version are undefined when none was found. */
export interface ApplicationPackage {
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** Whether its files are ES modules. */
  readonly isEsm: boolean;
  /** Names of the packages that it runs with. */
  readonly dependencies: readonly string[];
}

/** Where the search for the application begins. */
export interface ApplicationLocation {
  /** Default `process.argv[1]`. */
  readonly mainScript?: string | undefined;
  /** Default `process.cwd()`. */
  readonly workingDirectory?: string;
}

/**
 * Finds the nearest package.json with a name, from the main script's folder upwards, else from the
 * working directory upwards. Folders inside node_modules are skipped. Never throws.
 */
export function findApplicationPackage(location: ApplicationLocation = {}): ApplicationPackage {
  const { mainScript = process.argv[1], workingDirectory = currentDirectory() } = location;
  const starts = [mainScript === undefined ? undefined : dirname(mainScript), workingDirectory];
  // A main script inside node_modules is a runner (jest, nest, tsx): the application is elsewhere.
  if (mainScript !== undefined && isInsideNodeModules(mainScript)) starts.reverse();
  for (const start of starts) {
    const found = start === undefined ? undefined : searchUpwards(start);
    if (found !== undefined) return found;
  }
  return { name: undefined, version: undefined, isEsm: false, dependencies: [] };
}

/** By main script and working directory: a process may create hundreds of applications. */
const foundFrom = new Map<string, ApplicationPackage>();

/** The same as `findApplicationPackage()`, but files are read once for each start of the search. */
export function applicationPackage(): ApplicationPackage {
  const start = JSON.stringify([process.argv[1], currentDirectory()]);
  const found = foundFrom.get(start) ?? Object.freeze(findApplicationPackage());
  foundFrom.set(start, found);
  return found;
}

function searchUpwards(start: string): ApplicationPackage | undefined {
  for (let folder = start, parent = dirname(folder); ; folder = parent, parent = dirname(folder)) {
    const found = isInsideNodeModules(folder) ? undefined : readPackage(join(folder, 'package.json'));
    if (found !== undefined) return found;
    if (parent === folder) return undefined;
  }
}

function isInsideNodeModules(path: string): boolean {
  return path.split(sep).includes('node_modules');
}

function readPackage(file: string): ApplicationPackage | undefined {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as Manifest | null;
    const name = nonEmpty(content?.name);
    // A package.json without a name only marks the module type of a folder.
    if (content === null || name === undefined) return undefined;
    const { version, type, dependencies, optionalDependencies } = content;
    return {
      name,
      version: nonEmpty(version),
      isEsm: type === 'module',
      dependencies: [dependencies, optionalDependencies].flatMap(namesIn),
    };
  } catch {
    // Missing, unreadable or no JSON: the next folder up may have one.
    return undefined;
  }
}

/** What is read of a package.json, in which anything may stand. */
type Manifest = Readonly<
  Partial<Record<'name' | 'version' | 'type' | 'dependencies' | 'optionalDependencies', unknown>>
>;

function namesIn(dependencies: unknown): string[] {
  return typeof dependencies === 'object' && dependencies !== null ? Object.keys(dependencies) : [];
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** The working directory; undefined where it was removed while the process ran. */
function currentDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
