import { configureDatabase, DATABASE_OPTIONS } from './configure-database.js';
import { readNumber, readOptions, readPort } from './read-options.js';
import { untilStopped } from './until-stopped.js';
import { UsageError } from './usage-error.js';

const COMMAND = 'dashboard';
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
  ...DATABASE_OPTIONS,
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

/**
 * Serves the page until SIGINT or SIGTERM. Returns the exit code.
 *
 * @throws UsageError for options that are wrong, Error where the page cannot be served
 */
export async function runDashboard(args: readonly string[]): Promise<number> {
  const values = readOptions(args, OPTIONS, COMMAND);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const receives = values.otlp === true || values['otlp-port'] !== undefined;
  const { file, clickhouse, host = '127.0.0.1', token } = values;
  const noToken = values['no-token'] === true;
  if (noToken && !/^(?:localhost|::1|127\..*)$/.test(host))
    throw wrong(`--no-token shows everything to every machine that reaches ${host}. Set --token.`);
  if (clickhouse !== undefined && receives)
    throw wrong('--clickhouse shows what a Collector stores: leave --file and --otlp out.');
  const pagePort = readPort(values.port, '--port', PORT, COMMAND);
  const otlpPort = receives ? readPort(values['otlp-port'], '--otlp-port', OTLP_PORT, COMMAND) : undefined;
  const { dashboard, store } = configureDatabase(
    COMMAND,
    { file, clickhouse },
    {
      dashboard: {
        allowRemote: values.host !== undefined,
        allowedHosts: values['allow-host'] ?? [],
        otlp: receives,
        ...(noToken ? { token: false as const } : token !== undefined && { token }),
      },
      bounds: receives ? boundsIn(values) : undefined,
    },
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

const wrong = (message: string): UsageError => new UsageError(message, COMMAND);

function boundsIn(values: {
  readonly 'max-age-hours'?: string | undefined;
  readonly 'max-bytes'?: string | undefined;
}): { maxAgeHours?: number; maxBytes?: number } {
  const { 'max-age-hours': hours, 'max-bytes': bytes } = values;
  return {
    ...(hours !== undefined && { maxAgeHours: readNumber(hours, '--max-age-hours', COMMAND) }),
    ...(bytes !== undefined && { maxBytes: readNumber(bytes, '--max-bytes', COMMAND) }),
  };
}
