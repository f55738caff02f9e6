import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

async function run(format: string, kept: boolean): Promise<Loaded & { readonly sources: readonly string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, format, String(kept)], {
    env: { ...process.env, NODE_OPTIONS: '' },
    maxBuffer: 10_000_000,
  });
  const loaded = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1)) as Loaded;
  return { ...loaded, sources: sourcesIn(loaded.files) };
}

describe.each(['esm', 'cjs'])('an application that loads the library as %s', (format) => {
  it('loads nothing of the dashboard, and no SQLite, while dashboard and store are off', async () => {
    const { status, sources, hasSqlite } = await run(format, false);
    expect(status).toBe(200);
    expect(sources).toEqual(
      expect.arrayContaining(['module/plug-in-dashboard.ts', 'runtime/start-runtime.ts']),
    );
    expect(sources.filter((source) => source.startsWith('dashboard/'))).toEqual([]);
    expect(hasSqlite).toBe(false);
  });

  it('loads the store and its page with them, but what answers requests only when one comes', async () => {
    const { status, sources, hasSqlite } = await run(format, true);
    expect(status).toBe(200);
    expect(sources).toEqual(
      expect.arrayContaining(['dashboard/open-dashboard.ts', 'dashboard/sqlite/store.ts']),
    );
    expect(sources).not.toContain('dashboard/dashboard-server.ts');
    expect(hasSqlite).toBe(true);
  });
});
