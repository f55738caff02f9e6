import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

import * as conventions from '../lib/config/semantic-conventions.constants.js';
import { clientInstrumentations } from '../lib/instrumentation/registry.js';

const root = resolve(__dirname, '..');
const lib = join(root, 'lib');

/** The report of `npm run check:floors`; the rules and their reasons are in dependency-cruiser.config.mjs. */
interface Report {
  readonly summary: {
    readonly totalDependenciesCruised: number;
    readonly violations: readonly { from: string; to: string; rule: { name: string } }[];
  };
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly module: string; readonly coreModule: boolean }[];
  }[];
}

function cruise(): Report {
  const cli = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const options = ['--config', 'dependency-cruiser.config.mjs', '--output-type', 'json'];
  const { stdout, stderr } = spawnSync(process.execPath, [cli, ...options, 'lib', 'sample-app'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Report;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesUnder(path);
    return /\.tsx?$/.test(name) ? [path] : [];
  });
}

describe('the house', () => {
  const { summary, modules } = cruise();
  /** What each file of the library imports, without modules of Node. A parser read it: a text that looks like an import is none. */
  const specifiersIn = new Map(
    modules
      .filter(({ source }) => source.startsWith('lib/'))
      .map(({ source, dependencies }) => [
        relative('lib', source),
        dependencies.filter(({ coreModule }) => !coreModule).map(({ module }) => module),
      ]),
  );
  const violationsOf = (rule: RegExp) =>
    summary.violations
      .filter(({ rule: { name } }) => rule.test(name))
      .map(({ from, to }) => `${from} imports ${to}`);

  it('sees the imports it judges', () => {
    expect(summary.totalDependenciesCruised).toBeGreaterThan(1_000);
  });

  it('has each room on a floor', () => {
    expect(violationsOf(/^room-on-a-floor$/)).toEqual([]);
  });

  it('keeps only the entry points outside of the rooms', () => {
    expect(violationsOf(/^entry-points-alone$/)).toEqual([]);
  });

  it('imports only from lower floors', () => {
    expect(violationsOf(/^floor-of-/)).toEqual([]);
  });

  it('imports no index file from inside', () => {
    expect(violationsOf(/^no-index-inside$/)).toEqual([]);
  });

  it('has no files that need each other to load', () => {
    expect(violationsOf(/^no-circle$/)).toEqual([]);
  });

  it('keeps the page of the dashboard apart from its server', () => {
    expect(violationsOf(/^page-apart$/)).toEqual([]);
  });

  it('breaks no rule of its floors', () => {
    expect(violationsOf(/./)).toEqual([]);
  });

  it('imports drivers and frameworks only as types or not at all', () => {
    expect(violationsOf(/^drivers-as-types$/)).toEqual([]);
  });

  it('reaches the library from the sample application through its public entry only', () => {
    expect(violationsOf(/^sample-app-uses-public-entries$/)).toEqual([]);
  });

  it('knows the names of the semantic conventions in one place', () => {
    const importers = [...specifiersIn].filter(([, specifiers]) =>
      specifiers.includes('@opentelemetry/semantic-conventions'),
    );
    const exporters = readFileSync(join(lib, 'config/semantic-conventions.constants.ts'), 'utf8');
    expect(exporters).toContain("from '@opentelemetry/semantic-conventions'");
    expect(importers.map(([file]) => file)).toEqual(['config/semantic-conventions.constants.ts']);
  });

  it('writes these names nowhere else', () => {
    const names = new Set(
      Object.values<unknown>(conventions).filter(
        (value): value is string => typeof value === 'string' && value.includes('.'),
      ),
    );
    // The page reads attributes of any service, under former names too, and is bundled apart.
    const page = /^dashboard\/(?:ui|panels\/.+\/view)[/.]/;
    const copies = filesUnder(lib)
      .map((file) => ({ path: relative(lib, file), source: readFileSync(file, 'utf8') }))
      .filter(({ path }) => path !== 'config/semantic-conventions.constants.ts' && !page.test(path))
      .flatMap(({ path, source }) =>
        [...source.matchAll(/'([a-z_\d]+(?:\.[a-z_\d]+)+)'/g)]
          .filter(([, name = '']) => names.has(name))
          .map(([literal]) => `${path}: ${literal}`),
      );
    expect(names.size).toBeGreaterThan(100);
    expect(copies).toEqual([]);
  });

  it('lets only the engine ask for its own classes', () => {
    const inEngine = (file: string) => relative(lib, file).startsWith('engine/');
    const files = filesUnder(lib);
    const classes = files
      .filter(inEngine)
      .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^export (?:abstract )?class (\w+)/gm)])
      .map(([, name]) => name!);
    expect(classes).toEqual(expect.arrayContaining(['LocalSpan', 'RecordedSpan', 'AttributeList']));
    const question = new RegExp(`instanceof (?:${classes.join('|')})\\b`);
    const asking = files.filter((file) => !inEngine(file) && question.test(readFileSync(file, 'utf8')));
    expect(asking.map((file) => relative(lib, file))).toEqual([]);
  });

  it('calls createRequire() only where webpack does not put undefined in its place', () => {
    const offenders = filesUnder(lib).filter((file) =>
      /import \{[^}]*\bcreateRequire\b[^}]*\} from/.test(readFileSync(file, 'utf8')),
    );
    expect(offenders.map((file) => relative(lib, file))).toEqual([]);
  });

  it('has no folder for leftovers', () => {
    const names = filesUnder(lib).map((file) => relative(lib, file));
    expect(names.filter((name) => /(^|\/)(utils?|helpers?|common|misc)(\/|\.)/.test(name))).toEqual([]);
  });

  it('declares every package it imports, or has it inside, and drivers never', () => {
    const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
    const manifest = read('package.json') as Record<string, Record<string, string>>;
    const inside = read('scripts/packages-inside.json') as string[];
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    const packageOf = (specifier: string) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
    // The page is bundled: what it imports is in the files that are served.
    const bundled = /^dashboard\/(?:ui|panels\/[^/]+\/view)(?:\/|\.tsx$)/;
    const imported = new Set(
      [...specifiersIn]
        .filter(([file]) => !bundled.test(file))
        .flatMap(([, specifiers]) => specifiers)
        .filter((specifier) => !specifier.startsWith('.'))
        .map(packageOf),
    );
    expect([...imported].filter((name) => !(name in declared) && !inside.includes(name))).toEqual([]);
    const drivers = clientInstrumentations().flatMap(([, { packages }]) => packages);
    expect(drivers).toEqual(expect.arrayContaining(['pg', 'ioredis', 'redis', 'mysql2', 'mongodb']));
    expect(Object.keys(declared).filter((name) => drivers.includes(name))).toEqual([]);
  });
});
