import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const lib = join(root, 'lib');

/** A room may import from rooms on lower floors only. */
const FLOORS: Readonly<Record<string, number>> = {
  process: 0,
  errors: 0,
  config: 0,
  redaction: 0,
  recording: 0,
  exporters: 1,
  runtime: 2,
  invocation: 2,
  tracing: 3,
  metrics: 3,
  logging: 3,
  instrumentation: 4,
  dashboard: 4,
  testing: 4,
};
const LOBBY = 5;

/** Sibling imports the design allows: metrics and logging may ask tracing for the active span. */
const ALLOWED_SIBLINGS = new Set([
  'metrics → tracing/current-span',
  'logging → tracing/current-span',
  'config → errors',
  'errors → process',
  'errors → redaction',
  'redaction → config',
  'redaction → process',
  'redaction → errors/is-error',
  'recording → redaction',
  'recording → config',
  'recording → errors',
  // Until the dashboard is plugged in from outside: these four rooms still name its database.
  'exporters → dashboard',
  'runtime → dashboard',
  'metrics → dashboard',
  'instrumentation → dashboard',
]);

interface Import {
  readonly from: string;
  readonly to: string;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesUnder(path);
    return /\.tsx?$/.test(name) ? [path] : [];
  });
}

function specifiersIn(file: string): string[] {
  const source = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...source.matchAll(/(?:from\s+|import\s+|import\()'([^']+)'/g)].map(([, specifier]) => specifier!);
}

function internalImports(): Import[] {
  return filesUnder(lib).flatMap((file) =>
    specifiersIn(file)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => ({
        from: relative(lib, file),
        to: relative(lib, resolve(dirname(file), specifier)).replace(/\.js$/, ''),
      })),
  );
}

const roomOf = (path: string): string | undefined => (path.includes('/') ? path.split('/')[0] : undefined);
const floorOf = (path: string): number => {
  const room = roomOf(path);
  if (room === undefined) return LOBBY;
  const floor = FLOORS[room];
  if (floor === undefined)
    throw new Error(`lib/${room}/ is not on any floor: add it to this spec and to CONTRIBUTING.md`);
  return floor;
};

describe('the house', () => {
  const imports = internalImports();

  it('sees the imports it judges', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('imports only from lower floors', () => {
    const violations = imports
      .filter(({ from, to }) => roomOf(from) !== roomOf(to) && floorOf(to) >= floorOf(from))
      .filter(
        ({ from, to }) =>
          !ALLOWED_SIBLINGS.has(`${roomOf(from)} → ${to}`) &&
          !ALLOWED_SIBLINGS.has(`${roomOf(from)} → ${roomOf(to)}`),
      )
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(violations).toEqual([]);
  });

  it('imports no index file from inside', () => {
    expect(imports.filter(({ to }) => /(^|\/)index$/.test(to))).toEqual([]);
  });

  it('knows the names of the semantic conventions in one place', () => {
    const importers = filesUnder(lib).filter((file) =>
      specifiersIn(file).includes('@opentelemetry/semantic-conventions'),
    );
    const exporters = readFileSync(join(lib, 'config/semantic-conventions.constants.ts'), 'utf8');
    expect(exporters).toContain("from '@opentelemetry/semantic-conventions'");
    expect(importers.map((file) => relative(lib, file))).toEqual([
      'config/semantic-conventions.constants.ts',
    ]);
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

  it('imports drivers and frameworks only as types or not at all', () => {
    const forbidden = /^(pg|ioredis|redis|mysql2|mongodb|fastify|express|@nestjs\/platform-.*)$/;
    const offenders = filesUnder(lib).flatMap((file) =>
      specifiersIn(file)
        .filter((specifier) => forbidden.test(specifier))
        .map((specifier) => `${relative(lib, file)} imports ${specifier}`),
    );
    expect(offenders).toEqual([]);
  });

  it('reaches the library from the sample application through its public entry only', () => {
    const offenders = filesUnder(join(root, 'sample-app')).flatMap((file) =>
      specifiersIn(file)
        .filter((specifier) => /(^|\/)lib\//.test(specifier))
        .map((specifier) => `${relative(root, file)} imports ${specifier}`),
    );
    expect(offenders).toEqual([]);
  });

  it('declares every package it imports, and drivers never', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    const packageOf = (specifier: string) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
    // The page is bundled: what it imports is in the files that are served.
    const bundled = join(lib, 'dashboard/ui');
    const imported = new Set(
      filesUnder(lib)
        .filter((file) => !file.startsWith(bundled))
        .flatMap(specifiersIn)
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .map(packageOf),
    );
    expect([...imported].filter((name) => !(name in declared))).toEqual([]);
    expect(Object.keys(declared).filter((name) => /^(pg|ioredis|redis|mysql2|mongodb)$/.test(name))).toEqual(
      [],
    );
  });
});
