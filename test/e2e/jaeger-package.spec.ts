import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build, type Format } from 'esbuild';

import { startUdpReceiver, type UdpReceiver } from '../exporters/jaeger/jaeger-receiver.js';
import { eventually } from '../support/eventually.js';

const root = join(__dirname, '../..');
const JAEGER = '@opentelemetry/exporter-jaeger';
const INSTALL = /run `npm install @opentelemetry\/exporter-jaeger@2`/;

const PROGRAM = `
let outcome;
try {
  const options = { serviceName: 'orders', logging: false, ...JSON.parse(process.env.OPTIONS) };
  const telemetry = configureTelemetry(options);
  getTelemetry('test').trace('work', () => undefined);
  telemetry.shutdown();
  outcome = { destinations: telemetry.config.traces.jaeger.length };
} catch ({ code, problems }) {
  outcome = { code, problems };
}
console.log(JSON.stringify(outcome));
`;

/** What NestJS loads where it is installed; the program uses none of it. */
const OPTIONAL = [
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'class-transformer',
  'class-validator',
];

/** CommonJS packages inside of an ES module need what only CommonJS has: docs/bundles.md. */
const COMMONJS_IN_ESM = `
import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);
const { filename: __filename, dirname: __dirname } = import.meta;
`;

const NAMES = '{ configureTelemetry, getTelemetry }';
const library = (format: string): string => join(root, `dist/${format}/index.js`);

/** Writes the program in each form an application may have, and returns the file. */
const FORMS: Readonly<Record<string, (folder: string) => Promise<string> | string>> = {
  'an ES module': (folder) =>
    write(folder, 'program.mjs', `import ${NAMES} from '${pathToFileURL(library('esm')).href}';${PROGRAM}`),
  CommonJS: (folder) =>
    write(folder, 'program.cjs', `const ${NAMES} = require(${JSON.stringify(library('cjs'))});${PROGRAM}`),
  'a bundle, CommonJS': (folder) => bundle(folder, 'bundle.cjs', 'cjs'),
  'a bundle, ES module': (folder) => bundle(folder, 'bundle.mjs', 'esm', COMMONJS_IN_ESM),
};

function write(folder: string, name: string, source: string): string {
  writeFileSync(join(folder, name), source);
  return join(folder, name);
}

async function bundle(folder: string, name: string, format: Format, banner = ''): Promise<string> {
  await build({
    stdin: { contents: `import ${NAMES} from 'nestjs-telemetry';${PROGRAM}`, resolveDir: root },
    outfile: join(folder, name),
    bundle: true,
    platform: 'node',
    target: 'node22',
    format,
    banner: { js: banner },
    external: OPTIONAL.flatMap((name) => [name, `${name}/*`]),
    tsconfigRaw: '{}',
    logLevel: 'error',
  });
  return join(folder, name);
}

interface Outcome {
  readonly stdout: { destinations?: number; code?: string; problems?: Record<string, string>[] };
  readonly warnings: string[];
}

describe.each(Object.keys(FORMS))('an application that is %s, outside of the repository', (form) => {
  let folder: string;
  let program: string;
  let receiver: UdpReceiver;

  beforeAll(async () => {
    // Far from every node_modules: the package is where a test puts it.
    folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-jaeger-'));
    program = await FORMS[form]!(folder);
  });

  beforeEach(async () => {
    receiver = await startUdpReceiver();
  });

  afterEach(async () => {
    rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
    await receiver.close();
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  async function run(options: object, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const child = spawn(process.execPath, [program], {
      cwd: tmpdir(),
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'test', OPTIONS: JSON.stringify(options), ...env },
    });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    expect(await once(child, 'close')).toEqual([0, null]);
    return {
      stdout: JSON.parse(output) as Outcome['stdout'],
      warnings: errors.split('\n').filter((line) => line.includes('TelemetryWarning')),
    };
  }

  const install = (): void => {
    mkdirSync(join(folder, 'node_modules/@opentelemetry'), { recursive: true });
    symlinkSync(join(root, 'node_modules', JAEGER), join(folder, 'node_modules', JAEGER), 'junction');
  };

  it('is not started with a jaegerEndpoint for Thrift, and reads how to install the package that is missing', async () => {
    const { stdout } = await run({ jaegerEndpoint: 'tracing.example:6831' });

    expect(stdout.code).toBe('TELEMETRY_INVALID_OPTIONS');
    expect(stdout.problems).toEqual([
      {
        name: 'jaegerEndpoint',
        received: '"tracing.example:6831"',
        setIn: 'configureTelemetry()',
        remedy: expect.stringMatching(INSTALL) as string,
      },
    ]);
    expect(stdout.problems![0]!.remedy).toContain('http://tracing.example:4318');
  });

  it('warns once about OTEL_EXPORTER_JAEGER_ENDPOINT and starts without it', async () => {
    const { stdout, warnings } = await run({}, { OTEL_EXPORTER_JAEGER_ENDPOINT: 'http://localhost:14268' });

    expect(stdout).toEqual({ destinations: 0 });
    expect(warnings).toEqual([expect.stringMatching(INSTALL)]);
    expect(warnings[0]).toContain('OTEL_EXPORTER_JAEGER_ENDPOINT');
  });

  it('needs no package for an OTLP port of Jaeger, or with telemetry off', async () => {
    expect(await run({ enabled: false, jaegerEndpoint: 'localhost:6831' })).toEqual({
      stdout: { destinations: 1 },
      warnings: [],
    });
    const { stdout } = await run({ enabled: false }, { OTEL_EXPORTER_JAEGER_ENDPOINT: 'localhost:4318' });
    expect(stdout).toEqual({ destinations: 0 });
  });

  it('names the version it has found when it needs another one', async () => {
    const stub = join(folder, 'node_modules', JAEGER);
    mkdirSync(stub, { recursive: true });
    writeFileSync(join(stub, 'package.json'), JSON.stringify({ name: JAEGER, version: '1.30.1' }));
    writeFileSync(join(stub, 'index.js'), '');

    const { stdout } = await run({ jaegerEndpoint: 'localhost:6832' });

    expect(stdout.problems).toHaveLength(1);
    expect(stdout.problems![0]!.remedy).toMatch(/needs .* 2\.11 or a later 2\.x, and 1\.30\.1 is installed/);
    expect(stdout.problems![0]!.remedy).toMatch(INSTALL);
  });

  it('sends spans with the package that the application has installed', async () => {
    install();

    const { stdout, warnings } = await run({ jaegerEndpoint: `127.0.0.1:${receiver.port}` });

    expect({ stdout, warnings }).toEqual({ stdout: { destinations: 1 }, warnings: [] });
    await eventually(() => receiver.datagrams.length > 0);
  });
});
