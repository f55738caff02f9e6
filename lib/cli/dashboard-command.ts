import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { type DashboardConfig } from '../config/dashboard.js';
import { resolveConfig } from '../config/resolve-config.js';
import { type StoreConfig } from '../config/store.js';
import { UsageError } from './usage-error.js';

const PORT = 4319;
const OTLP_PORT = 4318;

const HELP = `Usage: nestjs-telemetry dashboard [options]

Serves the page as a separate process: for the store of an application that runs, or ran, on this machine,
for what services in any language send by OTLP, or for a ClickHouse that a Collector fills.

Options:
  --file <path>          SQLite file of the store; default TELEMETRY_STORE_FILE, else .telemetry/telemetry.db
  --clickhouse <url>     ClickHouse in place of a file, default TELEMETRY_CLICKHOUSE_URL; TELEMETRY_CLICKHOUSE_USERNAME,
                         _PASSWORD and _DATABASE set the rest
  --otlp                 receives OTLP over HTTP and stores it in the file, which is made when it is missing
  --otlp-port <number>   port for OTLP, default ${OTLP_PORT}; 0 is a free one; implies --otlp
  --port <number>        port of the page, default ${PORT}; 0 is a free one
  --host <address>       address to listen on, default 127.0.0.1; 0.0.0.0 answers other machines too
  --allow-host <name>    name in the Host header that is answered beside localhost; may be repeated
  --token <text>         token of visitors, default TELEMETRY_DASHBOARD_TOKEN, else a random one beside the file
  --no-token             no token is needed; only on a loopback address
  --max-age-hours <n>    hours after which telemetry is deleted, default 24; with --otlp
  --max-bytes <n>        size of the file, default 268435456; with --otlp
  --help                 prints this

GET /health answers 200 without a token, on both ports.
`;

const OPTIONS = {
  file: { type: 'string' },
  clickhouse: { type: 'string' },
  otlp: { type: 'boolean' },
  'otlp-port': { type: 'string' },
  port: { type: 'string' },
  host: { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  token: { type: 'string' },
  'no-token': { type: 'boolean' },
  'max-age-hours': { type: 'string' },
  'max-bytes': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Bounds that are never reached: the application that writes a file evicts from it, and not who looks at it. */
const NO_BOUNDS = { maxAgeHours: 1e6, maxBytes: 2 ** 40, maxSpans: 1e9, maxLogs: 1e9, maxPoints: 1e9 };

/**
 * Serves the page until SIGINT or SIGTERM. Returns the exit code.
 *
 * @throws UsageError for options that are wrong, Error where the page cannot be served
 */
export async function runDashboard(args: readonly string[]): Promise<number> {
  const values = read(args);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const receives = values.otlp === true || values['otlp-port'] !== undefined;
  const { dashboard, store } = configure(values, receives);
  const host = values.host ?? '127.0.0.1';
  const pagePort = port(values.port, '--port', PORT);
  const otlpPort = receives ? port(values['otlp-port'], '--otlp-port', OTLP_PORT) : undefined;
  if (dashboard.token === false && !/^(?:localhost|::1|127\..*)$/.test(host))
    throw wrong(`--no-token shows everything to every machine that reaches ${host}. Set --token.`);
  if (!receives && store !== undefined && store.file !== ':memory:' && !existsSync(store.file))
    throw new Error(
      `There is no store at ${resolve(store.file)}. Start an application with a store there, name its file with --file, ` +
        'or receive telemetry with --otlp.',
    );
  const { startStandalonePage } = await import('../dashboard/standalone/standalone-page.js');
  const page = await startStandalonePage({ dashboard, store, host, port: pagePort, otlpPort });
  process.stdout.write(`The page is at ${page.address}\n`);
  if (page.otlpAddress !== undefined)
    process.stdout.write(
      `OTLP over HTTP is received at ${page.otlpAddress}: set OTEL_EXPORTER_OTLP_ENDPOINT to it` +
        `${page.otlpNeedsToken ? ', and OTEL_EXPORTER_OTLP_HEADERS to authorization=Bearer%20<token>' : ''}\n`,
    );
  await untilStopped();
  await page.close();
  return 0;
}

type Values = ReturnType<typeof read>;

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

/** By the rules of the module's options. @throws TelemetryError, UsageError */
function configure(values: Values, receives: boolean): Configured {
  const { file, token, host, clickhouse } = values;
  if (clickhouse !== undefined && (file !== undefined || receives))
    throw wrong('--clickhouse shows what a Collector stores: leave --file and --otlp out.');
  const { dashboard, store } = resolveConfig(
    {
      serviceName: 'dashboard',
      serviceVersion: '0',
      environment: 'development',
      dashboard: {
        allowRemote: host !== undefined,
        allowedHosts: values['allow-host'] ?? [],
        otlp: receives,
        // It would be the profile of this process.
        profiling: false,
        ...(clickhouse !== undefined && { source: { clickhouse: { url: clickhouse } } }),
        ...(values['no-token'] === true ? { token: false as const } : token !== undefined && { token }),
      },
      store: { ...(file !== undefined && { file }), ...(receives ? boundsIn(values) : NO_BOUNDS) },
    },
    { env: variablesFor(file !== undefined || receives), setIn: 'nestjs-telemetry dashboard' },
  );
  if (dashboard === undefined) throw new Error('The dashboard is switched off.');
  return { dashboard, store: dashboard.clickhouse === undefined ? store : undefined };
}

/** The variables that have to do with the page. A file or OTLP in the command wins over a ClickHouse in the environment. */
function variablesFor(storesInFile: boolean): NodeJS.ProcessEnv {
  const wanted = storesInFile
    ? /^TELEMETRY_(?:DASHBOARD_TOKEN|STORE_FILE)$/
    : /^TELEMETRY_(?:DASHBOARD_TOKEN|STORE_FILE|CLICKHOUSE_\w+)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name)));
}

interface Configured {
  readonly dashboard: DashboardConfig;
  /** undefined where the page shows a ClickHouse. */
  readonly store: StoreConfig | undefined;
}

function boundsIn(values: Values): { maxAgeHours?: number; maxBytes?: number } {
  const { 'max-age-hours': hours, 'max-bytes': bytes } = values;
  return {
    ...(hours !== undefined && { maxAgeHours: number(hours, '--max-age-hours') }),
    ...(bytes !== undefined && { maxBytes: number(bytes, '--max-bytes') }),
  };
}

function number(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw wrong(`${option} must be a number, not "${text}".`);
  return value;
}

function port(text: string | undefined, option: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535)
    throw wrong(`${option} must be a port from 0 to 65535, not "${text}".`);
  return value;
}

const wrong = (message: string): UsageError => new UsageError(message, 'dashboard ');

function untilStopped(): Promise<void> {
  return new Promise((resolveStop) => {
    const stop = (): void => {
      for (const signal of SIGNALS) process.off(signal, stop);
      resolveStop();
    };
    for (const signal of SIGNALS) process.on(signal, stop);
  });
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
