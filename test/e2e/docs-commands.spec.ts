import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { blocks } from '../docs/read-blocks.js';
import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';
import {
  closeReceivers,
  type OtlpReceiver,
  type ReceivedRequest,
  startHttpReceiver,
} from '../exporters/otlp/otlp-receiver.js';
import { eventually } from '../support/eventually.js';

const root = resolve(__dirname, '../..');

/** One command of a shell block, as somebody copies it. */
interface Command {
  readonly page: string;
  readonly line: string;
}

/** The commands of all shell blocks: continued lines are one, comments are none. */
const commands: readonly Command[] = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ page, code }) =>
    code
      .replaceAll(/\\\n\s*/g, '')
      .split(/\n(?!\s)/)
      .map((line) => line.replace(/(?:^|\s+)#.*$/gm, '').trim())
      .filter((line) => line !== '')
      .map((line) => ({ page, line })),
  );

/** What cannot be run here, and why; each entry stands for commands of one page that begin so. */
const NOT_RUN: readonly (readonly [page: string, start: string, why: string])[] = [
  ['README.md', 'npm start', 'installs and builds first; sample-app.spec.ts starts the same system'],
  ['README.md', 'npm test', 'is what runs this'],
  ['README.md', 'curl', 'asks the sample system: sample-app.spec.ts runs it there'],
  ['docs/backends/jaeger.md', 'docker', 'needs Docker'],
  ['docs/backends/jaeger.md', 'npx nestjs-telemetry doctor', 'needs a Jaeger: test/backends/doctor.spec.ts'],
  [
    'docs/clickhouse.md',
    'npx nestjs-telemetry clickhouse init --apply',
    'needs a ClickHouse: test/backends/clickhouse-rollups.spec.ts',
  ],
  ['docs/compatibility.md', 'npm install', 'needs the network: npm run check:managers'],
  ['docs/compatibility.md', 'pnpm add', 'needs the network: npm run check:managers'],
  ['docs/compatibility.md', 'yarn add', 'needs the network: npm run check:managers'],
  ['docs/compatibility.md', 'bun add', 'needs the network: npm run check:managers'],
  ['docs/config-file.md', 'npm install', 'needs the network'],
  ['docs/configuration.md', 'npm install', 'needs the network'],
  [
    'docs/dashboard-api.md',
    'OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:3000/telemetry/otlp python',
    'needs the SDK for Python',
  ],
  [
    'docs/doctor.md',
    'npx nestjs-telemetry doctor --app http://localhost:3000 --request',
    'needs a Jaeger and a Prometheus: test/backends/doctor.spec.ts',
  ],
  ['docs/fleet.md', 'docker', 'needs Docker'],
  ['docs/incident-path.md', 'node', 'takes minutes, and writes the page'],
  ['docs/kubernetes.md', 'kubectl', 'needs Kubernetes'],
  ['docs/mcp.md', 'npm install', 'needs the network'],
  ['docs/mcp.md', 'claude', 'needs another program, and an account there'],
  ['docs/scale.md', 'npm run build', 'is done before every test'],
  ['docs/scale.md', 'node bench/clickhouse', 'writes a million spans to a ClickHouse'],
  ['docs/stories.md', 'npm start -- --fault', 'goes on until Ctrl-C: stories.browser.ts follows each'],
];

const isNotRun = ({ page, line }: Command): boolean =>
  NOT_RUN.some(([of, start]) => of === page && line.startsWith(start));

const SIGNALS = ['traces', 'metrics', 'logs'] as const;
const MESSAGES = { traces: 'trace', metrics: 'metrics', logs: 'logs' } as const;

/** Variables that stand before a command. */
function variablesOf(line: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...line.matchAll(/(?:^|\s)([A-Z][A-Z0-9_]*)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

const pairsOf = (text = ''): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split(',')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at).toLowerCase(), decodeURIComponent(pair.slice(at + 1))];
      }),
  );

/** What a page answers about its traces. @param address with the token, as the command prints it */
async function tracesOf(address: string): Promise<string> {
  const [page = '', token = ''] = address.split('/#token=');
  const answer = await fetch(`${page}/api/v1/traces`, { headers: { authorization: `Bearer ${token}` } });
  return answer.text();
}

describe('the commands of README.md, CONTRIBUTING.md and docs/', () => {
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetry-docs-'));
    write('package.json', '{"name":"orders","type":"module"}');
    const service = pathToFileURL(join(__dirname, 'programs/documented-service.mjs')).href;
    write('dist/main.js', `import ${JSON.stringify(service)};\n`);
    mkdirSync(join(folder, 'bin'));
    symlinkSync(process.execPath, join(folder, 'bin/node'));
    // As npx runs the command of an installed package.
    const cli = join(root, 'dist/esm/cli/main.js');
    write('bin/npx', `#!/bin/sh\n[ "$1" = nestjs-telemetry ] && shift && exec node '${cli}' "$@"\n`, 0o755);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await stop(child);
    await closeReceivers();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode });
  };
  const environment = (variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
    HOME: folder,
    PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`,
    NODE_NO_WARNINGS: '1',
    ...variables,
  });
  /** Runs a command to its end in a shell. */
  const run = (line: string, variables: Readonly<Record<string, string>> = {}, cwd = folder) => {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', line], {
      cwd,
      env: environment(variables),
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  /** Starts a command that goes on until it is stopped, and waits until it has printed `ready`. */
  const start = async (line: string, ready: RegExp, variables: Readonly<Record<string, string>> = {}) => {
    // Of a group of its own: the shell may or may not be replaced by the command.
    const child = spawn('bash', ['-c', line], { cwd: folder, env: environment(variables), detached: true });
    children.push(child);
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await eventually(`${line} has started`, () => ready.test(printed) || child.exitCode !== null, 60_000);
    const [, address = ''] = ready.exec(printed) ?? [];
    if (address === '') throw new Error(`${line} ended with ${String(child.exitCode)}:\n${printed}`);
    return { child, address, printed: () => printed };
  };
  const stop = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'close');
      process.kill(-child.pid!, 'SIGTERM');
      await ended;
    }
    return child.exitCode;
  };
  const startService = (line: string, variables: Readonly<Record<string, string>> = {}) =>
    start(line, /^listening on (\S+)$/m, { PORT: '0', ...variables });

  describe('that start a service with a backend', () => {
    /** Where each signal is sent by these variables; Jaeger takes traces only. */
    const targetsOf = (variables: Readonly<Record<string, string>>): [(typeof SIGNALS)[number], string][] =>
      SIGNALS.flatMap((signal): [(typeof SIGNALS)[number], string][] => {
        const own = variables[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`];
        const jaeger = signal === 'traces' ? variables.OTEL_EXPORTER_JAEGER_ENDPOINT : undefined;
        const base = variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? jaeger;
        if (own !== undefined) return [[signal, new URL(own).pathname]];
        return base === undefined
          ? []
          : [[signal, `${new URL(base).pathname.replace(/\/$/, '')}/v1/${signal}`]];
      });
    const bodyOf = ({ headers, body }: ReceivedRequest): Buffer =>
      headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const received = (receiver: OtlpReceiver, path: string): readonly ReceivedRequest[] =>
      receiver.requests.filter((request) => request.path === path);

    it.each(commands.filter((command) => !isNotRun(command) && command.line.endsWith('node dist/main.js')))(
      '$page: $line',
      async ({ line }) => {
        const variables = variablesOf(line);
        // By that port it is known that a Jaeger takes OTLP, so the port stays, at an address where nothing else listens.
        const isJaeger = variables.OTEL_EXPORTER_JAEGER_ENDPOINT !== undefined;
        const host = isJaeger && process.platform === 'linux' ? '127.0.0.77' : '127.0.0.1';
        const receiver = await startHttpReceiver(200, { host, port: isJaeger ? 4318 : 0 });
        const targets = targetsOf(variables);
        expect(targets).not.toEqual([]);
        // The host of the backend is the only thing that is not as the page has it.
        const { child, address, printed } = await startService(
          line.replaceAll(/https?:\/\/[\w.:-]+/g, `http://${host}:${receiver.port}`),
        );
        // So many that a ratio leaves one of them.
        for (let order = 0; order < 150; order += 1)
          expect((await fetch(`${address}/orders/${order}`)).status).toBe(200);
        await stop(child);
        expect(printed()).not.toMatch(/\b(?:WARN|ERROR)\b|"level":(?:40|50|60|"warn"|"error")/);

        for (const [signal, path] of targets) {
          const requests = received(receiver, path);
          expect([signal, requests.length > 0]).toEqual([signal, true]);
          const upper = signal.toUpperCase();
          expect(requests[0]!.headers).toMatchObject({
            ...pairsOf(variables.OTEL_EXPORTER_OTLP_HEADERS),
            ...pairsOf(variables[`OTEL_EXPORTER_OTLP_${upper}_HEADERS`]),
            ...(variables.OTEL_EXPORTER_OTLP_COMPRESSION !== undefined && {
              'content-encoding': variables.OTEL_EXPORTER_OTLP_COMPRESSION,
            }),
          });
          const text = JSON.stringify(requests.map((each) => decodeOtlp(MESSAGES[signal], bodyOf(each))));
          const attributes = {
            'service.name': variables.OTEL_SERVICE_NAME ?? 'orders',
            ...(variables.OTEL_ENVIRONMENT !== undefined && {
              'deployment.environment.name': variables.OTEL_ENVIRONMENT,
            }),
            ...pairsOf(variables.OTEL_RESOURCE_ATTRIBUTES),
          };
          for (const [key, stringValue] of Object.entries(attributes))
            expect(text).toContain(JSON.stringify({ key, value: { stringValue } }));
          expect(text).toContain(
            { traces: 'GET /orders/:id', metrics: 'orders_total', logs: 'Order found' }[signal],
          );
          if (signal === 'metrics') {
            const temporality = variables.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE ?? 'cumulative';
            expect(text).toContain(`"aggregationTemporality":${temporality === 'delta' ? 1 : 2}`);
          }
        }
        expect(
          receiver.requests.filter(({ path }) => !targets.some(([, target]) => target === path)),
        ).toEqual([]);
      },
    );
  });

  /** How else a command is run, by how it begins. */
  const WAYS: readonly (readonly [start: string, run: (line: string) => Promise<void> | void])[] = [
    [
      'npx nestjs-telemetry doctor --app',
      async (line) => {
        const { address } = await startService('node dist/main.js');
        const { status, stdout, stderr } = run(line.replace('http://localhost:3000', address));
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toContain('has 1 span of orders.');
      },
    ],
    [
      'npx nestjs-telemetry doctor',
      (line) => {
        const { status, stdout } = run(line, { OTEL_SDK_DISABLED: 'true' });
        expect(status).toBe(1);
        expect(stdout).toContain('telemetry is switched off.');
      },
    ],
    [
      'npx nestjs-telemetry init',
      (line) => {
        write(
          'src/main.ts',
          [
            "import { AppModule } from './app.module.js';",
            'const app = await NestFactory.create(AppModule);',
            'await app.listen(3000);\n',
          ].join('\n'),
        );
        write('src/app.module.ts', '@Module({ imports: [] })\nexport class AppModule {}\n');
        // Without the network: what it would install is asked for.
        write('bin/npm', '#!/bin/sh\necho "asked for: npm $*"\n', 0o755);
        const { status, stdout, stderr } = run(line);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(readFileSync(join(folder, 'src/app.module.ts'), 'utf8')).toContain(
          'TelemetryModule.forRoot()',
        );
        expect(stdout).toContain('asked for: npm install nestjs-telemetry @opentelemetry/api');
      },
    ],
    [
      'npx nestjs-telemetry clickhouse init >',
      (line) => {
        expect(run(line)).toEqual({ status: 0, stdout: '', stderr: '' });
        const file = / > (\S+)$/.exec(line)![1]!;
        expect(readFileSync(join(folder, file), 'utf8')).toMatch(
          /^CREATE TABLE [\s\S]*CREATE MATERIALIZED VIEW /,
        );
      },
    ],
    [
      'npx nestjs-telemetry dashboard --clickhouse',
      async (line) => {
        // Stands for a ClickHouse that is not up yet: the page is served all the same, and says so.
        const { address, child } = await start(
          `${line.replace('http://clickhouse:8123', 'http://127.0.0.1:9')} --port 0`,
          /The page is at (\S+)/,
        );
        expect((await fetch(address)).status).toBe(200);
        expect(await stop(child)).toBe(0);
      },
    ],
    [
      'npx nestjs-telemetry dashboard --otlp',
      async (line) => {
        // On free ports: 4318 and 4319 may be taken.
        const { address, child, printed } = await start(
          `${line} --otlp-port 0 --port 0`,
          /The page is at (\S+)\nOTLP over HTTP is received at \S+/,
        );
        const [, receiver = ''] = /is received at (http:\/\/[^\s:]+:\d+)/.exec(printed()) ?? [];
        const service = await startService('node dist/main.js', { OTEL_EXPORTER_OTLP_ENDPOINT: receiver });
        await fetch(`${service.address}/orders/7`);
        await stop(service.child);
        expect(await tracesOf(address)).toContain('GET /orders/:id');
        expect(await stop(child)).toBe(0);
      },
    ],
    [
      'npx nestjs-telemetry dashboard',
      async (line) => {
        const service = await startService('node dist/main.js');
        await fetch(`${service.address}/orders/7`);
        await stop(service.child);
        const { address, child } = await start(`${line} --port 0`, /The page is at (\S+)/);
        expect(await tracesOf(address)).toContain('GET /orders/:id');
        expect(await stop(child)).toBe(0);
      },
    ],
    [
      'curl -X POST http://localhost:3000/telemetry/api/v1/control/changes',
      async (line) => {
        const TOKEN = 'a-token-of-this-test-0123456789';
        const { address } = await startService('node dist/main.js', { TELEMETRY_DASHBOARD_TOKEN: TOKEN });
        const { status, stdout } = run(line.replace('http://localhost:3000', address), { TOKEN });
        expect(status).toBe(0);
        const [, body = ''] = / -d '(.*)'$/.exec(line)!;
        const { kind, target, value } = JSON.parse(body) as Record<string, unknown>;
        expect(JSON.parse(stdout)).toMatchObject({ kind, target, value });
      },
    ],
    [
      'npm start -- --help',
      (line) => {
        const { status, stdout } = run(line, {}, root);
        expect(status).toBe(0);
        expect(stdout).toContain('--fault');
      },
    ],
  ];

  const others = commands.filter(
    (command) => !isNotRun(command) && !command.line.endsWith('node dist/main.js'),
  );
  it.each(others)('that can be run, $page: $line', async ({ line }) => {
    const way = WAYS.find(([prefix]) => line.startsWith(prefix));
    if (way === undefined)
      throw new Error(`Say how "${line}" is run, in WAYS of this spec, or why it is not, in NOT_RUN.`);
    await way[1](line);
  });

  it.each(NOT_RUN)('that are not run: %s: %s … (%s)', (page, prefix) => {
    const found = commands.filter((command) => command.page === page && command.line.startsWith(prefix));
    expect(found).not.toEqual([]);
  });

  it.each(WAYS)('have each way to run one: %s', (prefix) => {
    expect(others.filter(({ line }) => line.startsWith(prefix))).not.toEqual([]);
  });
});
