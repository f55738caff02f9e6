// The floors of lib/, held by `npm run check:floors`. A room imports only from the floors below its own; siblings do not import each
// other except where SIBLINGS says why. CONTRIBUTING.md draws the same house.

import { readFileSync } from 'node:fs';

/** Rooms of lib/ by floor, lowest first. The files of lib/ itself are above all of them. */
const FLOORS = [
  ['process', 'errors', 'config', 'redaction'],
  ['engine'],
  ['metrics-sdk'],
  ['exporters'],
  ['runtime', 'invocation'],
  ['tracing', 'metrics', 'logging', 'doctor'],
  ['instrumentation', 'dashboard'],
  ['module', 'cli'],
  ['testing'],
];

/** Imports between rooms of one floor: what may be imported, by room. */
const SIBLINGS = {
  config: ['errors'],
  errors: ['process', 'redaction'],
  redaction: ['config', 'process', 'errors/telemetry.error'],
};

/** What a room may know of a higher floor as types only: the options of instrumentations are inferred from their list. */
const TYPES_FROM_ABOVE = { config: ['instrumentation/registry\\.ts$'] };

const readJson = (file) => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
const { dependencies, peerDependencies } = readJson('package.json');
/** What a user has when the library is loaded: installed packages, and those that the build puts inside. */
const DECLARED = [
  ...Object.keys(dependencies),
  ...Object.keys(peerDependencies),
  ...readJson('scripts/packages-inside.json'),
];

/** What the browser runs. */
const PAGE = '^lib/dashboard/(?:ui/|panels/(?:[^/]+/view|views))';

const rooms = FLOORS.flat();

const roomRules = FLOORS.flatMap((floor, index) =>
  floor.map((room) => {
    const forbidden = FLOORS.slice(index)
      .flat()
      .filter((name) => name !== room)
      .map((name) => `${name}/`);
    const allowed = [...(SIBLINGS[room] ?? []), ...(TYPES_FROM_ABOVE[room] ?? [])];
    return {
      name: `floor-of-${room}`,
      severity: 'error',
      comment: `lib/${room}/ is on floor ${index}: it imports only from lower floors`,
      from: { path: `^lib/${room}/` },
      to: {
        path: `^lib/(?:${[...forbidden, '[^/]+$'].join('|')})`,
        ...(allowed.length > 0 && { pathNot: `^lib/(?:${allowed.join('|')})` }),
      },
    };
  }),
);

const typeRules = Object.entries(TYPES_FROM_ABOVE).map(([room, files]) => ({
  name: `floor-of-${room}-types`,
  severity: 'error',
  comment: `lib/${room}/ may import types from there, nothing that is loaded`,
  from: { path: `^lib/${room}/` },
  to: { path: files.map((file) => `^lib/${file}`), dependencyTypesNot: ['type-only'] },
}));

export default {
  forbidden: [
    ...roomRules,
    ...typeRules,
    {
      name: 'room-on-a-floor',
      severity: 'error',
      comment: 'A new folder of lib/ needs a place in FLOORS and in CONTRIBUTING.md',
      from: { path: `^lib/(?!(?:${rooms.join('|')})/)[^/]+/` },
      to: {},
    },
    {
      name: 'entry-points-alone',
      severity: 'error',
      comment: 'lib/ itself holds what users import; all else belongs into a room',
      from: { path: '^lib/(?!(?:index|register)\\.ts$)[^/]+$' },
      to: {},
    },
    {
      name: 'dashboard-is-apart',
      severity: 'error',
      comment:
        'The dashboard may be taken away: one file plugs it in, two commands serve it, one makes rollups for its reader, and only these name it, even in types',
      from: {
        path: '^lib/(?!dashboard/)',
        pathNot: '^lib/(?:module/plug-in-dashboard|cli/(?:dashboard|mcp|clickhouse)-command)\\.ts$',
      },
      to: { path: '^lib/dashboard/' },
    },
    {
      name: 'panels-ask-the-reader',
      severity: 'error',
      comment:
        'Another database can stand behind the page: panels ask TelemetryReader, and only sqlite/ and clickhouse/ know SQL',
      from: { path: '^lib/dashboard/(?:panels|reader|api)/' },
      to: { path: '^lib/dashboard/(?:sqlite|clickhouse|feed)/' },
    },
    {
      name: 'store-knows-no-page',
      severity: 'error',
      comment: 'The store answers the reader; who feeds it and who shows it is not its business',
      from: { path: '^lib/dashboard/sqlite/' },
      to: { path: '^lib/dashboard/(?:panels|api|access|clickhouse|feed|http|mount|otlp|routes|sources|ui)/' },
    },
    {
      name: 'clickhouse-knows-no-page',
      severity: 'error',
      comment: 'A reader answers; it says what fails as an error of the dashboard',
      from: { path: '^lib/dashboard/clickhouse/' },
      to: {
        path: '^lib/dashboard/(?:panels|api|access|feed|http|mount|otlp|routes|sources|sqlite|ui)/',
        pathNot: '^lib/dashboard/http/dashboard-error\\.ts$',
      },
    },
    {
      name: 'no-index-inside',
      severity: 'error',
      comment: 'index.ts is for users: inside, import the file that defines the name',
      from: { path: '^lib/' },
      to: { path: ['^lib/index\\.ts$', '^lib/.+/index\\.ts$'] },
    },
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'Files that need each other when they load are one subject',
      from: { path: '^lib/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'page-apart',
      severity: 'error',
      comment: 'The page is a program of its own for the browser: the server takes only its bundled files',
      from: { path: '^lib/', pathNot: PAGE },
      to: { path: PAGE, pathNot: '^lib/dashboard/ui/page-assets\\.ts$' },
    },
    {
      name: 'drivers-as-types',
      severity: 'error',
      comment:
        'Drivers and HTTP platforms are found in the application: only dependencies and peers are loaded',
      from: { path: '^lib/', pathNot: PAGE },
      to: {
        path: 'node_modules/',
        pathNot: `node_modules/(?:${DECLARED.join('|')})/`,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'sample-app-uses-public-entries',
      severity: 'error',
      from: { path: '^sample-app/' },
      to: { path: '^lib/', pathNot: '^lib/(?:index|register|testing/index)\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
