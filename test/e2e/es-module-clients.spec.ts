import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

const root = resolve(__dirname, '../..');
const run = promisify(execFile);

/** Runs a program as an application with a package.json and node_modules; returns the JSON that it prints last. */
async function runApplication(files: Record<string, string>, manifest: object): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'application-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/nestjs-telemetry'), 'dir');
    for (const name of ['@opentelemetry', 'postgres'])
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'dir');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'application', ...manifest }));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const [main = ''] = Object.keys(files);
    const { stdout } = await run(process.execPath, [main], {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const START = `
import { configureTelemetry, getTelemetry } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';
export const probe = createTelemetryProbe();
export const telemetry = configureTelemetry({ ...probe.options, instrumentation: { runtimeMetrics: false } });
export const trace = (work) => getTelemetry('application').trace('caller', work);
`;
const query = (port: number) => `
const sql = postgres({ host: '127.0.0.1', port: ${port}, user: 'postgres', database: 'postgres', max: 1 });
// Opens the connection. On Node 22 telemetry has the module only then when it starts before the module was evaluated.
await sql\`select 1\`;
await trace(async () => { await sql\`select 1\`; });
await sql.end();
console.log(JSON.stringify(probe.spans().map(({ name }) => name)));
await telemetry.shutdown();
`;

describe('a client library that an application imports as an ES module', () => {
  let database: PGlite;
  let server: PGLiteSocketServer;
  let port: number;
  beforeAll(async () => {
    database = await PGlite.create();
    server = new PGLiteSocketServer({ db: database, port: 0, host: '127.0.0.1', maxConnections: 5 });
    await server.start();
    port = Number(server.getServerConn().split(':').at(-1));
  });
  afterAll(async () => {
    await server.stop();
    await database.close();
  });

  const dependencies = { postgres: '3' };

  it('is recorded when it was imported before telemetry starts', async () => {
    const main = `import postgres from 'postgres';\nimport { probe, telemetry, trace } from './start.mjs';\n${query(port)}`;
    const spans = await runApplication(
      { 'main.mjs': main, 'start.mjs': START },
      { type: 'module', dependencies },
    );
    expect(spans).toEqual(['SELECT', 'caller']);
  });

  it('is recorded when it is imported after telemetry starts, by the same file', async () => {
    const main = `import { probe, telemetry, trace } from './start.mjs';\nimport postgres from 'postgres';\n${query(port)}`;
    const spans = await runApplication(
      { 'main.mjs': main, 'start.mjs': START },
      { type: 'module', dependencies },
    );
    expect(spans).toEqual(['SELECT', 'caller']);
  });

  it('is not loaded for an application that does not depend on it', async () => {
    const main = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
const { telemetry } = await import('./start.mjs');
await telemetry.shutdown();
console.log(JSON.stringify(loaded.filter((url) => url.includes('/postgres/'))));
`;
    const spans = await runApplication({ 'main.mjs': main, 'start.mjs': START }, { type: 'module' });
    expect(spans).toEqual([]);
  });
});
