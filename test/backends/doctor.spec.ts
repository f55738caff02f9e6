import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/free-port.js';
import { BackendProcess, describeWith, poll } from './backend-processes.js';
import { JaegerServer } from './jaeger-server.js';
import { SampleSystem } from './sample-system.js';

const command = join(__dirname, '../../dist/esm/cli/main.js');

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly finding: string;
  readonly evidence?: string;
  readonly remedy?: string;
}

async function examine(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const child = spawn(process.execPath, [command, 'doctor', '--json', ...args], {
    // Not this project's folder: its packages include one that doctor warns of.
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, ...variables },
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(printed) as Finding[];
}

const urlOf = ({ host }: JaegerServer): string => `http://${host}:16686`;

const problemsOf = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ verdict }) => verdict === 'fault' || verdict === 'warning');

describeWith('jaeger', 'doctor and a real Jaeger', (binary) => {
  let jaeger: JaegerServer;
  let system: SampleSystem;
  beforeAll(async () => {
    jaeger = await JaegerServer.start(binary);
    system = await SampleSystem.start({ OTEL_EXPORTER_JAEGER_ENDPOINT: `${jaeger.host}:6831` });
  });
  afterAll(async () => {
    await system.stop();
    await jaeger.stop();
  });

  it.each([
    ['compact Thrift over UDP', ':6831'],
    ['OTLP over gRPC', ':4317'],
  ])('finds the probe there, sent by %s', async (_, port) => {
    const findings = await examine(['--jaeger', urlOf(jaeger)], {
      OTEL_EXPORTER_JAEGER_ENDPOINT: `${jaeger.host}${port}`,
    });
    expect(problemsOf(findings)).toEqual([]);
    expect(findings.map(({ finding }) => finding)).toContain('has 1 span of nestjs-telemetry-doctor.');
  });

  it('names a probe that UDP has lost: the exporter cannot know', async () => {
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const findings = await examine(['--jaeger', urlOf(jaeger)], {
      OTEL_EXPORTER_JAEGER_ENDPOINT: `udp://127.0.0.1:${silent.address().port}`,
    });
    silent.close();
    expect(problemsOf(findings)).toMatchObject([{ verdict: 'fault', finding: 'did not arrive.' }]);
  });

  it('follows a request through the services of an application', async () => {
    const findings = await examine(
      [
        '--app',
        system.gateway,
        '--request',
        '/health',
        '--jaeger',
        urlOf(jaeger),
        '--page',
        `${system.gateway}/none`,
      ],
      {},
    );
    // Health checks are not recorded.
    expect(problemsOf(findings)).toMatchObject([{ finding: 'did not arrive.' }]);
    const followed = await examine(
      ['--app', system.gateway, '--expect', 'api_gateway', '--jaeger', urlOf(jaeger)],
      {},
    );
    expect(followed).toContainEqual(
      expect.objectContaining({
        verdict: 'ok',
        finding: expect.stringMatching(/^has \d+ spans? of api_gateway/) as string,
      }),
    );
  });
});

describeWith('prometheus', 'doctor and a real Prometheus', (binary) => {
  let folder: string;
  let system: SampleSystem;
  let prometheus: BackendProcess;
  let origin: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-doctor-'));
    system = await SampleSystem.start({});
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    const scraped = (job_name: string, target: string, metrics_path = '/metrics') => ({
      job_name,
      metrics_path,
      static_configs: [{ targets: [new URL(target).host] }],
    });
    writeFileSync(
      join(folder, 'prometheus.yml'),
      JSON.stringify({
        global: { scrape_interval: '1s', scrape_timeout: '1s' },
        scrape_configs: [scraped('gateway', system.gateway), scraped('worker', system.worker, '/metrcis')],
      }),
    );
    prometheus = await BackendProcess.start(
      [
        binary,
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      async () => (await fetch(`${origin}/-/ready`)).ok,
    );
    await poll('both targets to be scraped', async () => {
      const response = await fetch(`${origin}/api/v1/targets?state=active`);
      const { data } = (await response.json()) as { data: { activeTargets: { health: string }[] } };
      return (
        data.activeTargets.length === 2 && data.activeTargets.every(({ health }) => health !== 'unknown')
      );
    });
  });
  afterAll(async () => {
    await prometheus.stop();
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const findingsAbout = async (args: readonly string[]): Promise<Finding[]> =>
    (await examine([...args, '--prometheus', origin], {})).filter(({ check }) =>
      check.startsWith('Prometheus'),
    );

  it('finds nothing where it scrapes the application', async () => {
    expect(await findingsAbout(['--app', system.gateway])).toMatchObject([{ verdict: 'ok' }]);
  });

  it('prints the lines of an application that is no target', async () => {
    const [finding] = await findingsAbout(['--app', system.orchestrator]);
    expect(finding).toMatchObject({ verdict: 'fault', finding: 'does not scrape the application.' });
    expect(finding!.remedy).toContain(`targets: ['${new URL(system.orchestrator).host}']`);
    const [wrongPath] = await findingsAbout(['--app', system.worker]);
    expect(wrongPath).toMatchObject({
      verdict: 'fault',
      evidence: expect.stringContaining('/metrcis') as string,
    });
  });

  it('names the reason where it cannot scrape', async () => {
    const [finding] = await findingsAbout(['--app', system.worker, '--metrics', `${system.worker}/metrcis`]);
    expect(finding).toMatchObject({ verdict: 'fault', finding: 'cannot scrape the application.' });
    expect(finding!.evidence).toContain('404');
  });
});
