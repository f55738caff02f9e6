import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';

import { parse } from 'yaml';

const root = resolve(__dirname, '..');

const read = (file: string) => readFileSync(join(root, file), 'utf8');

interface ComposeService {
  readonly profiles?: readonly string[];
  readonly image: string;
  readonly build?: { readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

const services = Object.entries(compose.services);

/** Whether `other` runs whenever `service` does. */
const runsWith = (service: ComposeService, other: ComposeService | undefined) =>
  other !== undefined &&
  (other.profiles === undefined ||
    (service.profiles ?? []).every((profile) => other.profiles!.includes(profile)));

describe('docker-compose.yml', () => {
  it('has in the profile fleet all that the documentation of it lists', () => {
    const fleet = services.filter(([, { profiles }]) => profiles?.includes('fleet') ?? true);
    const names = fleet.map(([name]) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'balancer',
        'collector',
        'clickhouse',
        'jaeger',
        'prometheus',
        'grafana',
        'page',
      ]),
    );
    const documented = [...read('docs/fleet.md').matchAll(/^\| `([a-z]+)` +\|/gm)].map(([, name]) => name!);
    expect([...documented].sort()).toEqual(names.filter((name) => !name.startsWith('fleet-')).sort());
  });

  it('starts a service only with those it depends on', () => {
    const missing = services.flatMap(([name, service]) => {
      const needed = service.depends_on ?? [];
      return (Array.isArray(needed) ? (needed as string[]) : Object.keys(needed))
        .filter((other) => !runsWith(service, compose.services[other]))
        .map((other) => `${name} needs ${other}`);
    });
    expect(missing).toEqual([]);
  });

  it('names only services that run, in the addresses that it sets', () => {
    const missing = services.flatMap(([name, service]) =>
      Object.entries(service.environment ?? {})
        .filter(([, value]) => /^\w+:\/\//.test(value))
        .filter(([, value]) => !runsWith(service, compose.services[new URL(value).hostname]))
        .map(([variable, value]) => `${name}: ${variable}=${value}`),
    );
    expect(missing).toEqual([]);
  });

  it('publishes each port of the host once, with all profiles together', () => {
    const ports = services.flatMap(([, service]) =>
      (service.ports ?? []).map((port) => /(\d+):\d+((?:\/udp)?)$/.exec(port)!.slice(1).join('')),
    );
    expect(ports.filter((port, index) => ports.indexOf(port) !== index)).toEqual([]);
    expect(ports.length).toBeGreaterThan(10);
  });

  it('mounts and builds from files that are here, and declares its volumes', () => {
    const files = services.flatMap(([, { volumes = [], build }]) => [
      ...volumes.map((volume) => volume.split(':')[0]!),
      ...(build === undefined ? [] : [build.dockerfile]),
    ]);
    const missing = files.filter((file) =>
      /[./]/.test(file) ? !existsSync(join(root, file)) : !(file in compose.volumes),
    );
    expect(missing).toEqual([]);
  });

  it('runs the release of the Collector that the tests build', () => {
    const [, version] = /collector\/otelcol v(\S+)/.exec(read('test/backends/collector/go.mod'))!;
    for (const name of ['balancer', 'collector'])
      expect(compose.services[name]!.image).toBe(`otel/opentelemetry-collector-contrib:${version!}`);
  });
});

describe('what the services of the profile fleet are configured with', () => {
  const inFleet = (name: string) => {
    const service = compose.services[name];
    return service !== undefined && (service.profiles?.includes('fleet') ?? true);
  };

  it('names services of the profile as defaults of the Collectors', () => {
    const hosts = readdirSync(join(root, 'deploy/collector')).flatMap((file) =>
      [...read(`deploy/collector/${file}`).matchAll(/\$\{env:\w+:-(?:tcp:\/\/)?([a-z]+)(?::\d+)?\}/g)].map(
        ([, host]) => host!,
      ),
    );
    expect([...new Set(hosts)].sort()).toEqual(['clickhouse', 'collector', 'default', 'jaeger', 'otel']);
    for (const host of ['clickhouse', 'collector', 'jaeger']) expect(inFleet(host)).toBe(true);
  });

  it('names services of the profile as data sources of Grafana and targets of Prometheus', () => {
    const { datasources } = parse(read('deploy/grafana/provisioning/datasources/datasources.yml')) as {
      datasources: { url?: string; jsonData: { host?: string } }[];
    };
    const { scrape_configs } = parse(read('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { dns_sd_configs?: { names: string[] }[] }[];
    };
    const hosts = [
      ...datasources.map(({ url, jsonData }) => (url === undefined ? jsonData.host! : new URL(url).hostname)),
      ...scrape_configs.flatMap(({ dns_sd_configs = [] }) => dns_sd_configs.flatMap(({ names }) => names)),
    ];
    expect(hosts.filter((host) => !inFleet(host))).toEqual([]);
    expect(hosts.length).toBeGreaterThan(4);
  });

  it('lets the page and Grafana read with the user that is made', () => {
    const [, user, password] = /CREATE USER IF NOT EXISTS (\w+) IDENTIFIED BY '(\w+)'/.exec(
      read('deploy/clickhouse/reader.sql'),
    )!;
    expect(compose.services.page!.environment).toMatchObject({
      TELEMETRY_CLICKHOUSE_USERNAME: user,
      TELEMETRY_CLICKHOUSE_PASSWORD: password,
    });
    const sources = read('deploy/grafana/provisioning/datasources/datasources.yml');
    expect(sources).toContain(`username: ${user!}`);
    expect(sources).toContain(`password: ${password!}`);
  });
});

/** A script and every script of ours that it imports, directly or not. */
function scriptsOf(file: string): string[] {
  const imported = [...read(file).matchAll(/from '(\.[^']+)'/g)].map(([, specifier]) =>
    posix.join(posix.dirname(file), specifier!),
  );
  return [file, ...imported.flatMap((path) => scriptsOf(path))];
}

describe.each(['sample-app', 'dashboard'])('the image that deploy/%s builds', (folder) => {
  const dockerfile = read(`deploy/${folder}/Dockerfile`);
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files]) =>
    files!.split(' '),
  );
  const sent = read(`deploy/${folder}/Dockerfile.dockerignore`)
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));

  it('is given every script that builds it', () => {
    const needed = scriptsOf('scripts/build.mjs');
    expect(needed).toContain('scripts/build-ui.mjs');
    expect(copied).toEqual(expect.arrayContaining(needed));
  });

  it('is given every project that is compiled in it', () => {
    const projects = [...read('scripts/build.mjs').matchAll(/project: '([^'/]+)'/g)].map(([, name]) => name);
    expect(projects).toEqual(['tsconfig.lib.json']);
    expect(copied).toEqual(expect.arrayContaining(projects));
  });

  it('is copied from files that its builder is sent', () => {
    expect([...sent].sort()).toEqual([...new Set(copied)].sort());
  });

  it('runs as a user without rights', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
  });
});

describe('the image of the page', () => {
  const dockerfile = read('deploy/dashboard/Dockerfile');

  it('starts the command that the package installs, and is asked for its health on the port of the page', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: string };
    expect(dockerfile).toContain(`node_modules/nestjs-telemetry/${bin.replace('./', '')}", "dashboard"`);
    const [, port] = /^const PORT = ([\d_]+);/m.exec(read('lib/cli/dashboard-command.ts'))!;
    expect(dockerfile).toContain(`EXPOSE ${port!}\n`);
    expect(dockerfile).toContain(`http://127.0.0.1:${port!}/health`);
  });
});
