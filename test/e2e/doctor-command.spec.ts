import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { eventually } from '../support/eventually.js';
import { FaultyCollector } from '../support/faulty-collector.js';
import { freePort } from '../support/free-port.js';

interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'fault' | 'skipped';
  readonly finding: string;
  readonly evidence?: string;
  readonly remedy?: string;
}

const command = join(__dirname, '../../dist/esm/cli/main.js');
const program = join(__dirname, 'programs/examined-service.mjs');

describe('nestjs-telemetry doctor', () => {
  const children: ChildProcess[] = [];
  const servers: Server[] = [];
  const collectors: FaultyCollector[] = [];
  let folder: string;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'telemetry-doctor-')));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    }
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    for (const collector of collectors.splice(0)) await collector.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The environment of a user, without the variables of these tests. */
  const environment = (variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    ...variables,
  });

  const run = async (args: readonly string[], variables: Readonly<Record<string, string>> = {}) => {
    const child = spawn(process.execPath, [command, 'doctor', ...args], {
      cwd: folder,
      env: environment(variables),
    });
    let printed = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    await once(child, 'close');
    return { code: child.exitCode, printed, errors };
  };

  /** The faults and warnings of a run, and its exit code. */
  const examine = async (args: readonly string[], variables: Readonly<Record<string, string>> = {}) => {
    const { code, printed, errors } = await run([...args, '--json'], variables);
    expect(errors).toBe('');
    const findings = JSON.parse(printed) as Finding[];
    const problems = findings.filter(({ verdict }) => verdict === 'fault' || verdict === 'warning');
    return { code, findings, problems };
  };

  const startService = async (
    options: Readonly<Record<string, unknown>>,
    variables: Readonly<Record<string, string>> = {},
    execArgv: readonly string[] = [],
  ): Promise<string> => {
    const child = fork(program, {
      cwd: folder,
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: environment({ OPTIONS: JSON.stringify(options), ...variables }),
    });
    children.push(child);
    const [port] = (await once(child, 'message')) as [number];
    return `http://127.0.0.1:${String(port)}`;
  };

  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  };

  const startCollector = async (protocol: 'grpc' | 'http/protobuf'): Promise<FaultyCollector> => {
    const collector = await FaultyCollector.start(protocol);
    collectors.push(collector);
    return collector;
  };

  const install = (path: string, name: string, version: string): string => {
    const target = join(folder, path, 'node_modules', name);
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'package.json'), JSON.stringify({ name, version }));
    return target;
  };

  it('finds nothing in a healthy project: packages, endpoints, two services and their metrics', async () => {
    install('', '@opentelemetry/api', '1.10.0');
    install('', 'nestjs-telemetry', '0.1.0');
    install('', '@nestjs/core', '12.5.0');
    // An older copy of the same major version is served.
    install('node_modules/some-exporter', '@opentelemetry/api', '1.9.1');
    const collector = await startCollector('http/protobuf');
    const store = { file: join(folder, 'telemetry.db') };
    const back = await startService({ serviceName: 'back', store, otlpEndpoint: collector.url });
    const front = await startService(
      { serviceName: 'front', store, otlpEndpoint: collector.url },
      { NEXT: back },
    );
    const { code, findings, problems } = await examine(
      ['--app', front, '--expect', 'front', '--expect', 'back', '--strict'],
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      },
    );
    expect(problems).toEqual([]);
    expect(code).toBe(0);
    expect(findings.map(({ verdict, finding }) => `${verdict} ${finding}`)).toEqual(
      expect.arrayContaining([
        'ok can be used.',
        'ok work together.',
        'ok was accepted.',
        'ok answered 200.',
        'ok have the durations of requests.',
        'ok reports no problem of the application.',
        expect.stringMatching(/^ok has \d+ spans of front, back\.$/),
      ]),
    );
  });

  it('names a port at which no receiver listens, for each signal', async () => {
    const endpoint = `http://127.0.0.1:${String(await freePort())}`;
    const { code, problems } = await examine([], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    expect(code).toBe(1);
    expect(problems.map(({ check }) => check.split(' ')[0])).toEqual(['traces', 'metrics', 'logs']);
    for (const { evidence, remedy } of problems) {
      expect(evidence).toContain('ECONNREFUSED');
      expect(remedy).toContain('Is a collector running there?');
    }
  });

  it("names Jaeger's UDP port where OTLP is sent to it", async () => {
    const { problems } = await examine([], {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:6831/v1/traces',
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.remedy).toContain('Port 6831 receives Thrift over UDP');
  });

  it('names the UDP port that is written as an address of HTTP', async () => {
    const { problems } = await examine([], { OTEL_EXPORTER_JAEGER_ENDPOINT: 'http://localhost:6831' });
    expect(problems).toMatchObject([
      {
        verdict: 'fault',
        remedy: 'Port 6831 listens to UDP: write localhost:6831, without scheme and path.',
      },
    ]);
  });

  it('names a receiver that speaks gRPC where HTTP is sent', async () => {
    const collector = await startCollector('grpc');
    const { problems } = await examine([], {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    });
    expect(problems).toMatchObject([
      { verdict: 'fault', check: expect.stringContaining('OTLP http/protobuf') as string },
    ]);
    expect(problems[0]?.remedy).toMatch(/grpc|gRPC/);
  });

  it.each([
    [404, 'HTTP 404', /path/],
    [401, 'HTTP 401', /otlpHeaders/],
  ])('names a receiver that answers %d', async (status, evidence, remedy) => {
    const url = await serve((request, response) => {
      request.resume();
      request.on('end', () => response.writeHead(status).end());
    });
    const { code, problems } = await examine([], { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/traces` });
    expect(code).toBe(1);
    expect(problems).toMatchObject([
      { verdict: 'fault', evidence: expect.stringContaining(evidence) as string },
    ]);
    expect(problems[0]?.remedy).toMatch(remedy);
  });

  it.each([
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, 'no trace that begins here is recorded.'],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      'no trace that begins here is recorded.',
    ],
    [{ OTEL_SDK_DISABLED: 'true' }, 'telemetry is switched off.'],
    [{ OTEL_TRACES_SAMPLER: 'ratio' }, 'one has no effect.'],
    [{ OTEL_CONFIG_FILE: 'missing.yaml' }, 'one has no effect.'],
    [{ OTEL_EXPORTER_JAEGER_ENDPONT: 'localhost:6831' }, 'one looks misspelled, and is not read.'],
  ])('names what %j does', async (variables: Readonly<Record<string, string>>, finding) => {
    const { problems } = await examine([], variables);
    expect(problems).toMatchObject([{ check: 'environment variables', finding }]);
    expect(problems[0]?.evidence).toContain(Object.keys(variables).at(-1));
    expect(problems[0]?.remedy).toBeTruthy();
  });

  it('reads the variables of a file', async () => {
    writeFileSync(join(folder, '.env'), 'OTEL_SDK_DISABLED=true\n');
    expect((await examine(['--dotenv', '.env'])).problems).toMatchObject([
      { finding: 'telemetry is switched off.' },
    ]);
  });

  it('names a second copy of the API that gets no provider', async () => {
    install('', 'nestjs-telemetry', '0.1.0');
    install('', '@opentelemetry/api', '1.10.0');
    const second = install('node_modules/other', '@opentelemetry/api', '1.11.0');
    const { code, problems } = await examine([]);
    expect(code).toBe(1);
    expect(problems).toMatchObject([
      { verdict: 'fault', evidence: expect.stringContaining(`1.11.0 in ${second}`) as string },
    ]);
  });

  it.each([
    [
      [
        ['@nestjs/core', '12.5.0'],
        ['@opentelemetry/instrumentation-nestjs-core', '0.71.0'],
      ],
      'records nothing on NestJS 12',
    ],
    [[['@nestjs/core', '10.4.0']], 'is not supported'],
  ])('names packages that do not go together: %j', async (packages, finding) => {
    install('', '@opentelemetry/api', '1.10.0');
    for (const [name = '', version = ''] of packages) install('', name, version);
    const { problems } = await examine(['--folder', folder]);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.finding).toContain(finding);
  });

  it('names an agent that starts before the application', async () => {
    install('', '@opentelemetry/api', '1.10.0');
    // The agent of the test only has to be loadable.
    const agent = join(folder, 'node_modules/@opentelemetry/auto-instrumentations-node/register.js');
    mkdirSync(dirname(agent), { recursive: true });
    writeFileSync(agent, '');
    const { problems } = await examine([], {
      NODE_OPTIONS: '--require @opentelemetry/auto-instrumentations-node/register.js',
    });
    expect(problems).toMatchObject([
      { verdict: 'warning', evidence: expect.stringContaining('NODE_OPTIONS') as string },
    ]);
  });

  it('names the service that a request does not reach with its trace', async () => {
    const back = await serve((_request, response) => response.end('done'));
    const front = await startService({ serviceName: 'front', store: { file: ':memory:' } }, { NEXT: back });
    const { code, problems } = await examine(['--app', front, '--expect', 'back']);
    expect(code).toBe(1);
    expect(problems).toMatchObject([{ verdict: 'fault', finding: 'has no span of back.' }]);
    expect(problems[0]?.evidence).toContain('calls without a span on the other side: front: GET');
  });

  it('names an exporter of the application that does not deliver, a sum at its limit, and no metrics', async () => {
    const endpoint = `http://127.0.0.1:${String(await freePort())}`;
    const front = await startService(
      {
        serviceName: 'front',
        store: { file: ':memory:' },
        otlpEndpoint: endpoint,
        enablePrometheus: false,
        cardinalityLimit: 10,
      },
      {
        USERS: '50',
        OTEL_BSP_SCHEDULE_DELAY: '50',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_METRICS_EXPORTER: 'none',
      },
    );
    await fetch(front);
    const { problems } = await examine(['--app', front]);
    const seen = problems.map(({ finding }) => finding);
    expect(seen).toEqual(
      expect.arrayContaining([
        `traces do not all arrive at ${endpoint}/v1/traces.`,
        'orders_total has reached its limit of series.',
        'are not served there.',
      ]),
    );
  });

  it('names a service whose clock is behind', async () => {
    const store = { file: join(folder, 'telemetry.db') };
    const late = ['--import', join(__dirname, 'programs/late-clock.mjs')];
    const back = await startService({ serviceName: 'back', store }, {}, late);
    const front = await startService({ serviceName: 'front', store }, { NEXT: back });
    const { problems } = await examine(['--app', front, '--expect', 'back']);
    expect(problems).toMatchObject([{ verdict: 'warning', finding: 'has clocks that differ.' }]);
    expect(problems[0]?.evidence).toMatch(/^the clock of back is behind front by at least (9|10)\d{3} ms$/);
  });

  // The CommonJS file of the API moved.
  it.each(['build/src/index.js', 'dist/index.cjs'])(
    'is made by the application itself after its start, which logs one warning and lists the findings on its page (%s)',
    async (apiFile) => {
      const second = install('node_modules/other', '@opentelemetry/api', '1.99.0');
      mkdirSync(dirname(join(second, apiFile)), { recursive: true });
      writeFileSync(join(second, apiFile), '');
      writeFileSync(join(folder, 'preload.cjs'), `require(${JSON.stringify(join(second, apiFile))});`);
      const options = {
        serviceName: 'front',
        store: { file: ':memory:' },
        otlpEndpoint: 'http://127.0.0.1:6831',
        sampling: { sampler: 'always_off' },
      };
      const front = await startService(options, { OTEL_LOGS_EXPORTER: 'none' }, [
        '--require',
        join(folder, 'preload.cjs'),
      ]);
      const askPage = async <T>(address: string): Promise<T> =>
        (await (await fetch(`${front}/telemetry/api/v1/${address}`)).json()) as T;
      const readWarnings = async (): Promise<readonly string[]> => {
        const { warnings } = await askPage<{ readonly warnings: readonly { readonly message: string }[] }>(
          'health',
        );
        return warnings.map(({ message }) => message);
      };
      await eventually('the warning', async () => (await readWarnings()).length > 0);
      const [warning, ...others] = await readWarnings();
      expect(others).toEqual([]);
      expect(warning).toContain('Port 6831 receives Thrift over UDP');
      expect(warning).toContain('no trace that begins here is recorded');
      expect(warning).toContain(`1.99.0 in ${second}`);
      expect((await askPage<readonly Finding[]>('health/findings')).map(({ check }) => check)).toEqual([
        'sampling',
        '@opentelemetry/api',
        'traces to http://127.0.0.1:6831/v1/traces (OTLP http/protobuf)',
        'metrics to http://127.0.0.1:6831/v1/metrics (OTLP http/protobuf)',
      ]);
    },
  );

  it('names an application that does not answer, and one that is none', async () => {
    const port = String(await freePort());
    expect((await examine(['--app', `localhost:${port}`])).problems).toMatchObject([
      { finding: 'is not answered.' },
    ]);
    const other = await serve((_request, response) => response.end('hello'));
    const { problems } = await examine(['--app', other]);
    expect(problems).toMatchObject([{ finding: 'are something else.' }]);
  });

  it('prints each finding with what was seen and the remedy, faults first', async () => {
    const { printed } = await run([], { OTEL_SDK_DISABLED: 'true' });
    expect(printed).toMatch(
      /^fault {4}environment variables: telemetry is switched off\.\n {9}seen: {3}OTEL_SDK_DISABLED=true\n {9}remedy: Remove the variable/,
    );
    expect(printed).toMatch(/\n0 ok, 0 warnings, 1 fault, 3 not checked\n$/);
  });

  it.each([
    [['--app', 'ftp://x'], '--app must be an address such as http://localhost:3000, not "ftp://x".'],
    [['--expect', 'back'], '--request and --expect need --app, the application that gets the request.'],
    [['--folder', 'none'], '--folder must be a folder, and "none" is none.'],
    [['--dotenv', 'none'], '--dotenv cannot be read: '],
    [['--prometheus', 'localhost:9090'], '--prometheus needs --app, the application that it scrapes.'],
  ])('refuses %j with a reason and exit code 2', async (args, reason) => {
    const { code, errors } = await run(args);
    expect(code).toBe(2);
    expect(errors).toContain(reason);
    expect(errors).toContain('nestjs-telemetry doctor --help');
  });
});
