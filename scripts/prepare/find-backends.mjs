// Finds the real servers that specs talk to, builds or fetches once what no package of the system has, and says how to get what is
// missing:
//
//   Jaeger      JAEGER_BIN, else built with Go once and kept in the user's cache folder
//   Prometheus  PROMETHEUS_BIN, else `prometheus` on the PATH
//   Redis       REDIS_SERVER_BIN, else `redis-server` on the PATH
//   MariaDB     MARIADB_BIN, else `mariadbd` on the PATH
//   FerretDB    FERRETDB_BIN, else built with Go once and kept in the user's cache folder; it speaks MongoDB's protocol
//   NATS        NATS_SERVER_BIN, else `nats-server` on the PATH
//   RabbitMQ    RABBITMQ_SERVER_BIN, else /usr/lib/rabbitmq/bin/rabbitmq-server, else `rabbitmq-server` on the PATH
//   Mosquitto   MOSQUITTO_BIN, else `mosquitto` on the PATH; it speaks MQTT 5
//   Kafka       KFAKE_BIN, else built with Go once and kept in the user's cache folder; an in-memory broker of franz-go
//   Collector   COLLECTOR_BIN, else built with Go once and kept in the user's cache folder
//   ClickHouse  its engine in a process, from npm, once, and the exporter's tables from its Go module; CLICKHOUSE_URL names a server instead
//   PostgreSQL  POSTGRES_BIN_DIR, else the newest /usr/lib/postgresql/*/bin, else the folder of `initdb` on the PATH
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { homedir, platform } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const jaegerModule = join(root, 'test/backends/jaeger');
const ferretdbModule = join(root, 'test/backends/ferretdb');
const clickhouseModule = join(root, 'test/backends/clickhouse');
const kfakeModule = join(root, 'test/backends/kfake');
const collectorModule = join(root, 'test/backends/collector');
const jaegerCommand = 'github.com/jaegertracing/jaeger/cmd/jaeger';

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(name) {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/local/go/bin',
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path) && isExecutable(path));
}

function cacheFolder() {
  if (process.env['XDG_CACHE_HOME']) return process.env['XDG_CACHE_HOME'];
  if (platform() === 'darwin') return join(homedir(), 'Library/Caches');
  return process.env['LOCALAPPDATA'] ?? join(homedir(), '.cache');
}

/** Ends the run: a wrong setting is no reason to skip. */
export function refuse(message) {
  console.error(message);
  process.exit(1);
}

/** A binary named by an environment variable; a wrong name is an error, not a reason to look elsewhere. */
function fromEnvironment(variable) {
  const path = process.env[variable];
  if (!path) return undefined;
  if (isExecutable(path)) return { path };
  return refuse(`${variable}=${path} cannot be executed`);
}

function findOnPath({ name, variable, install }) {
  const path = onPath(name);
  return (
    fromEnvironment(variable) ??
    (path ? { path } : { missing: `${name} is not installed; ${install}, or set ${variable}` })
  );
}

/** Our own tiny module names the Jaeger to build: `go install` refuses the tags of its v2, which carry no /v2. */
function findJaeger() {
  const given = fromEnvironment('JAEGER_BIN');
  if (given) return given;
  const hash = createHash('sha256')
    .update(readFileSync(join(jaegerModule, 'go.sum')))
    .digest('hex')
    .slice(0, 12);
  const [, version] = /jaegertracing\/jaeger (v\S+)/.exec(readFileSync(join(jaegerModule, 'go.mod'), 'utf8'));
  return buildWithGo(
    `Jaeger ${version}`,
    `jaeger-${version}-${hash}`,
    'JAEGER_BIN',
    jaegerModule,
    jaegerCommand,
  );
}

/** Builds a program once, and keeps it by its name in the user's cache folder. */
function buildWithGo(title, name, variable, module, command) {
  const folder = join(cacheFolder(), 'nestjs-telemetry', name);
  const path = join(folder, `${name.split('-')[0]}${platform() === 'win32' ? '.exe' : ''}`);
  if (existsSync(path)) return { path };
  const go = onPath('go');
  if (!go)
    return {
      missing: `neither ${variable} is set nor is Go installed; install Go 1.26 or later, or set ${variable}`,
    };
  console.log(`building ${title} with ${go}; this takes some minutes, once`);
  const started = performance.now();
  mkdirSync(folder, { recursive: true });
  const partial = `${path}.${process.pid}`;
  const { status, error } = spawnSync(go, ['build', '-o', partial, command], {
    cwd: module,
    stdio: 'inherit',
  });
  if (status !== 0)
    return {
      missing: `${title} could not be built (${error?.message ?? `go build ended with ${status}`}, see above)`,
    };
  renameSync(partial, path);
  console.log(`built ${title} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return { path };
}

/** A tiny program around the embeddable FerretDB: its own command insists on being built from its repository. */
function findFerretdb() {
  const given = fromEnvironment('FERRETDB_BIN');
  if (given) return given;
  const hash = createHash('sha256');
  for (const file of ['go.sum', 'main.go']) hash.update(readFileSync(join(ferretdbModule, file)));
  const [, version] = /FerretDB\/FerretDB (v\S+)/.exec(readFileSync(join(ferretdbModule, 'go.mod'), 'utf8'));
  const name = `ferretdb-${version}-${hash.digest('hex').slice(0, 12)}`;
  return buildWithGo('FerretDB', name, 'FERRETDB_BIN', ferretdbModule, '.');
}

/** Debian's command on the PATH insists on its own user and data folder; what it calls does not. */
function findRabbitmq() {
  const debian = '/usr/lib/rabbitmq/bin/rabbitmq-server';
  if (!process.env['RABBITMQ_SERVER_BIN'] && isExecutable(debian)) return { path: debian };
  return findOnPath({
    name: 'rabbitmq-server',
    variable: 'RABBITMQ_SERVER_BIN',
    install: 'apt-get install rabbitmq-server',
  });
}

/** A tiny program around franz-go's broker in memory. */
function findKfake() {
  const given = fromEnvironment('KFAKE_BIN');
  if (given) return given;
  const hash = createHash('sha256');
  for (const file of ['go.sum', 'main.go']) hash.update(readFileSync(join(kfakeModule, file)));
  const name = `kfake-${hash.digest('hex').slice(0, 12)}`;
  return buildWithGo('kfake', name, 'KFAKE_BIN', kfakeModule, '.');
}

/** A program with the components that deploy/collector names: the Collector of the distributions cannot be built from its modules. */
export function findCollector() {
  if (platform() !== 'linux')
    return {
      missing: 'its standard ports are beside those of Jaeger on a second loopback address, as on Linux',
    };
  const given = fromEnvironment('COLLECTOR_BIN');
  if (given) return given;
  const hash = createHash('sha256');
  for (const file of ['go.sum', 'main.go']) hash.update(readFileSync(join(collectorModule, file)));
  const [, version] = /collector\/otelcol (v\S+)/.exec(readFileSync(join(collectorModule, 'go.mod'), 'utf8'));
  const name = `collector-${version}-${hash.digest('hex').slice(0, 12)}`;
  return buildWithGo(`the Collector ${version}`, name, 'COLLECTOR_BIN', collectorModule, '.');
}

/** The release of the Collector's exporter whose tables the page reads. */
// The newest tables: those of the release of the Collector in test/backends/collector, of which alone every module is to be had, are
// made by its exporter itself in collector.spec.ts. The columns are the same.
const clickhouseExporter =
  'github.com/open-telemetry/opentelemetry-collector-contrib/exporter/clickhouseexporter@v0.165.1';

/** A folder with the engine in `node_modules/` and the exporter's own statements in `tables/`: 550 MB, so it is no dev dependency. */
export function findClickHouse() {
  const go = onPath('go');
  if (!go) return { missing: 'the tables come from the Go module of the exporter; install Go 1.26 or later' };
  const manifest = readFileSync(join(clickhouseModule, 'package.json'));
  const hash = createHash('sha256').update(manifest).update(clickhouseExporter).digest('hex').slice(0, 12);
  const path = join(cacheFolder(), 'nestjs-telemetry', `clickhouse-${hash}`);
  if (existsSync(path)) return { path };
  console.log('fetching the engine of ClickHouse and the tables of its exporter; this takes a minute, once');
  const partial = `${path}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  copyFileSync(join(clickhouseModule, 'package.json'), join(partial, 'package.json'));
  const module = spawnSync(go, ['mod', 'download', '-json', clickhouseExporter], {
    cwd: partial,
    encoding: 'utf8',
  });
  if (module.status !== 0)
    return {
      missing: `the module of the exporter could not be downloaded: ${module.stderr || module.stdout}`,
    };
  const tables = join(JSON.parse(module.stdout).Dir, 'internal/sqltemplates');
  mkdirSync(join(partial, 'tables'));
  for (const file of readdirSync(tables).filter((name) => name.endsWith('.sql')))
    writeFileSync(join(partial, 'tables', file), readFileSync(join(tables, file)));
  const npm = platform() === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = process.env['CLICKHOUSE_URL']
    ? { status: 0 }
    : spawnSync(npm, ['install', '--no-audit', '--no-fund', '--no-package-lock'], {
        cwd: partial,
        stdio: 'inherit',
      });
  if (status !== 0) return { missing: 'the engine could not be installed from npm (see above)' };
  renameSync(partial, path);
  return { path };
}

function findPostgres() {
  const given = process.env['POSTGRES_BIN_DIR'];
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const initdb = onPath('initdb');
  const candidates = given
    ? [given]
    : [...versions.map((version) => join(debian, version, 'bin')), ...(initdb ? [dirname(initdb)] : [])];
  const path = candidates.find((folder) =>
    ['initdb', 'postgres'].every((name) => isExecutable(join(folder, name))),
  );
  if (path) return { path };
  if (given) refuse(`POSTGRES_BIN_DIR=${given} has no initdb and postgres`);
  return { missing: 'PostgreSQL is not installed; apt-get install postgresql, or set POSTGRES_BIN_DIR' };
}

/** Every server by name: its `path`, or why it is `missing`. */
export function findBackends() {
  return {
    jaeger: findJaeger(),
    prometheus: findOnPath({
      name: 'prometheus',
      variable: 'PROMETHEUS_BIN',
      install: 'apt-get install prometheus',
    }),
    redis: findOnPath({
      name: 'redis-server',
      variable: 'REDIS_SERVER_BIN',
      install: 'apt-get install redis-server',
    }),
    postgres: findPostgres(),
    mariadb: findOnPath({
      name: 'mariadbd',
      variable: 'MARIADB_BIN',
      install: 'apt-get install mariadb-server',
    }),
    ferretdb: findFerretdb(),
    nats: findOnPath({
      name: 'nats-server',
      variable: 'NATS_SERVER_BIN',
      install: 'apt-get install nats-server',
    }),
    rabbitmq: findRabbitmq(),
    mosquitto: findOnPath({
      name: 'mosquitto',
      variable: 'MOSQUITTO_BIN',
      install: 'apt-get install mosquitto',
    }),
    kafka: findKfake(),
    collector: findCollector(),
    clickhouse: findClickHouse(),
  };
}
