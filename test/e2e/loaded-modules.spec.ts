import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const program = join(__dirname, 'programs/loaded-modules.mjs');
const dist = join(__dirname, '../../dist');

interface Loaded {
  readonly status: number;
  /** URLs of the files that were loaded after the program itself. */
  readonly files: readonly string[];
  readonly hasSqlite: boolean;
}

/** The sources of the library that are in the loaded files: the build joins many into one. */
function sourcesIn(files: readonly string[]): string[] {
  const sources = files
    .map((url) => fileURLToPath(url))
    .filter((file) => file.startsWith(dist) && existsSync(`${file}.map`))
    .flatMap((file) => (JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] }).sources);
  return sources.map((source) => source.replace(/^.*\blib\//, '')).sort();
}

/** The packages of OpenTelemetry whose code is inside, beside names of conventions. */
function sdkIn(sources: readonly string[]): string[] {
  const names = sources.map((source) => /node_modules\/@opentelemetry\/([^/]+)\//.exec(source)?.[1]);
  return [...new Set(names)]
    .filter((name) => name !== undefined)
    .filter((name) => name !== 'semantic-conventions');
}

type Telemetry = 'kept' | 'not-kept' | 'disabled';

async function run(
  format: string,
  telemetry: Telemetry,
  env: NodeJS.ProcessEnv = {},
): Promise<Loaded & { readonly sources: readonly string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, format, telemetry], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    maxBuffer: 10_000_000,
  });
  const loaded = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1)) as Loaded;
  return { ...loaded, sources: sourcesIn(loaded.files) };
}

/** How many modules of each package of OpenTelemetry are among the files. */
function openTelemetryIn(files: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const file of new Set(files)) {
    const name = /node_modules\/@opentelemetry\/([^/]+)\//.exec(file)?.[1];
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe.each(['esm', 'cjs'])('an application that loads the library as %s', (format) => {
  it('loads nothing of the dashboard, and no SQLite, while dashboard and store are off', async () => {
    const { status, sources, hasSqlite } = await run(format, 'not-kept');
    expect(status).toBe(200);
    expect(sources).toEqual(
      expect.arrayContaining(['module/plug-in-dashboard.ts', 'runtime/start-runtime.ts']),
    );
    expect(sources.filter((source) => source.startsWith('dashboard/'))).toEqual([]);
    expect(hasSqlite).toBe(false);
  });

  it('loads the store and its page with them, but what answers requests only when one comes', async () => {
    const { status, sources, hasSqlite } = await run(format, 'kept');
    expect(status).toBe(200);
    expect(sources).toEqual(
      expect.arrayContaining(['dashboard/open-dashboard.ts', 'dashboard/sqlite/store.ts']),
    );
    expect(sources).not.toContain('dashboard/dashboard-server.ts');
    expect(hasSqlite).toBe(true);
  });

  it.each([
    ['enabled: false', 'disabled', {}],
    ['OTEL_SDK_DISABLED', 'not-kept', { OTEL_SDK_DISABLED: 'true' }],
  ] as const)('loads nothing of OpenTelemetry but its API with %s', async (_setting, telemetry, env) => {
    const { status, sources, files } = await run(format, telemetry, env);
    expect(status).toBe(200);
    expect(sources).not.toContain('runtime/start-runtime.ts');
    expect(sdkIn(sources)).toEqual([]);
    expect(Object.keys(openTelemetryIn(files))).toEqual(['api']);
    // In one format only. It has 51 files today.
    expect(openTelemetryIn(files).api).toBeLessThan(80);
  });

  it('has the SDK inside, and loads one copy of the API, when telemetry starts', async () => {
    const { files, sources } = await run(format, 'not-kept');
    expect(sdkIn(sources)).toEqual(expect.arrayContaining(['core', 'resources', 'sdk-metrics', 'sdk-trace']));
    expect(Object.keys(openTelemetryIn(files))).toEqual(['api']);
    expect(openTelemetryIn(files).api).toBeLessThan(80);
    const own = files.filter((url) => url.startsWith(pathToFileURL(dist).href));
    expect(own.filter((url) => url.includes(`/dist/${format === 'esm' ? 'cjs' : 'esm'}/`))).toEqual([]);
    // Each takes time to be found, read and linked. It has 8 files today.
    expect(new Set(own).size).toBeLessThan(12);
  });
});

describe('an ES module whose loader refuses require() of others', () => {
  it('starts telemetry all the same', async () => {
    const refused = join(__dirname, 'programs/refused-require.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [refused], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
      refused: 1,
      traceId: expect.stringMatching(/^[0-9a-f]*[1-9a-f][0-9a-f]*$/) as string,
    });
  });
});
