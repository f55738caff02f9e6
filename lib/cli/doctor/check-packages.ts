import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

import { judgeApiCopies, numbersOf } from '../../doctor/api-versions.js';
import { checkPreloaded } from '../../doctor/check-preloaded.js';
import { fault, type Finding, named, ok, type Result, skipped, warning } from '../../doctor/finding.js';

const API = '@opentelemetry/api';
const OWN = 'nestjs-telemetry';
const MAX_FOLDERS = 50_000;

interface Installed {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
}

/**
 * Looks for packages that keep telemetry of an application from working together, in `node_modules` of a folder and of
 * the folders above it, or in what Yarn's Plug'n'Play has in their place.
 */
export function checkPackages(folder: string, env: NodeJS.ProcessEnv): Finding[] {
  const check = `packages of ${folder}`;
  const installed = findInstalled(folder, [
    API,
    OWN,
    '@nestjs/core',
    '@opentelemetry/instrumentation-nestjs-core',
  ]);
  if (installed.length === 0)
    return named(check, [
      skipped('none of them is installed there; run it in the folder of the application.'),
    ]);
  const results = [
    ...checkApi(installed),
    ...checkNest(installed),
    ...checkOwnCopies(installed),
    ...checkPreloaded(env),
  ];
  return named(check, results.length === 0 ? [ok('work together.')] : results);
}

/** A copy of the API that is newer than the registered one, or of another major version, gets no provider. */
function checkApi(installed: readonly Installed[]): Result[] {
  const copies = installed.filter(({ name }) => name === API);
  const used = apiOf(installed) ?? copies[0];
  if (used === undefined)
    return [
      fault(`${API} is not installed.`, 'no copy of it in node_modules', `Run \`npm install ${API}@1\`.`),
    ];
  const result = judgeApiCopies(copies, used);
  return result === undefined ? [] : [result];
}

/** The copy that this library uses in the application. */
function apiOf(installed: readonly Installed[]): Installed | undefined {
  const own = installed.find(({ name }) => name === OWN);
  if (own === undefined) return undefined;
  for (let folder = own.folder; folder !== dirname(folder); folder = dirname(folder)) {
    const found = readPackage(join(folder, 'node_modules', API));
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkNest(installed: readonly Installed[]): Result[] {
  const nest = installed.find(({ name }) => name === '@nestjs/core');
  if (nest === undefined) return [];
  const results: Result[] = [];
  const [major, minor, patch] = numbersOf(nest.version);
  const isTooOld =
    major < 11 || (major === 11 && minor === 0 && patch < 8) || (major === 12 && minor === 0 && patch < 2);
  if (isTooOld || major > 12)
    results.push(
      fault(
        'this version of NestJS is not supported.',
        `@nestjs/core ${nest.version} in ${nest.folder}`,
        'Install NestJS 11.0.8 or later, or 12.0.2 or later.',
      ),
    );
  const official = installed.find(({ name }) => name === '@opentelemetry/instrumentation-nestjs-core');
  if (official !== undefined && major >= 12)
    results.push(
      warning(
        '@opentelemetry/instrumentation-nestjs-core records nothing on NestJS 12.',
        `${official.version} in ${official.folder}, @nestjs/core ${nest.version}`,
        `Remove it: ${OWN} records controllers, guards, pipes and interceptors.`,
      ),
    );
  return results;
}

function checkOwnCopies(installed: readonly Installed[]): Result[] {
  const copies = installed.filter(({ name }) => name === OWN);
  const versions = new Set(copies.map(({ version }) => version));
  if (versions.size < 2) return [];
  return [
    warning(
      `${OWN} is installed in ${versions.size} versions: the one that is loaded first runs.`,
      copies.map(({ version, folder }) => `${version} in ${folder}`).join('\n'),
      `Install one: \`npm dedupe\`.`,
    ),
  ];
}

/** What is used of the API that Yarn adds to Node where packages are in archives, and no node_modules is there. */
interface PlugAndPlay {
  getAllLocators(): readonly { readonly name: string }[];
  getPackageInformation(locator: { readonly name: string }): { readonly packageLocation: string };
}

function foldersByPlugAndPlay(start: string, names: readonly string[]): string[] {
  const modules = process.getBuiltinModule('node:module') as {
    readonly findPnpApi?: (path: string) => PlugAndPlay | null;
  };
  const api = modules.findPnpApi?.(start + sep);
  if (api === undefined || api === null) return [];
  return api
    .getAllLocators()
    .filter(({ name }) => names.includes(name))
    .map((locator) => api.getPackageInformation(locator).packageLocation);
}

/** All copies of the packages, also those inside of other packages, sorted by folder. */
function findInstalled(start: string, names: readonly string[]): Installed[] {
  const found = new Map<string, Installed>();
  for (const folder of foldersByPlugAndPlay(start, names)) {
    const installed = readPackage(folder);
    if (installed !== undefined) found.set(installed.folder, installed);
  }
  const search = { visited: new Set<string>(), names: new Set(names), found };
  for (let folder = start; ; folder = dirname(folder)) {
    searchModules(join(folder, 'node_modules'), search);
    if (folder === dirname(folder)) break;
  }
  return [...found.values()].sort(
    (a, b) => a.folder.length - b.folder.length || a.folder.localeCompare(b.folder),
  );
}

interface Search {
  readonly visited: Set<string>;
  readonly names: ReadonlySet<string>;
  readonly found: Map<string, Installed>;
}

function searchModules(modules: string, search: Search): void {
  for (const entry of entriesOf(modules)) {
    if (entry === '.pnpm') {
      for (const each of entriesOf(join(modules, entry)))
        searchModules(join(modules, entry, each, 'node_modules'), search);
    } else if (entry.startsWith('@')) {
      for (const each of entriesOf(join(modules, entry)))
        searchPackage(join(modules, entry, each), `${entry}/${each}`, search);
    } else if (!entry.startsWith('.')) {
      searchPackage(join(modules, entry), entry, search);
    }
  }
}

function searchPackage(path: string, name: string, search: Search): void {
  const folder = realPath(path);
  if (folder === undefined || search.visited.has(folder) || search.visited.size >= MAX_FOLDERS) return;
  search.visited.add(folder);
  if (search.names.has(name)) {
    const installed = readPackage(folder);
    if (installed !== undefined) search.found.set(folder, installed);
  }
  searchModules(join(folder, 'node_modules'), search);
}

function readPackage(path: string): Installed | undefined {
  try {
    const folder = realpathSync(path);
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    return typeof name === 'string' && typeof version === 'string' ? { name, version, folder } : undefined;
  } catch {
    // Not a package.
    return undefined;
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // A link to a folder that was removed.
    return undefined;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not there, or not a folder.
    return [];
  }
}
