import { configureDatabase } from './configure-database.js';
import { readNumber, readOptions } from './read-options.js';
import { UsageError } from './usage-error.js';

const COMMAND = 'clickhouse';

const HELP = `Usage: nestjs-telemetry clickhouse init [options]

Prints the SQL of rollups for a ClickHouse that a Collector fills: materialized views that keep sums and sketches per
service, route and minute, counts of log lines, copies of failed spans and of error lines. With them the page reads the
same amount for the overview, routes, versions and errors, whatever the traffic is. The page works without them, too.

Options:
  --apply             makes them in the ClickHouse in place of printing; what is there already stays as it is, but for --ttl
  --backfill          counts what is stored already, too, from the newest hour to the oldest; with --apply
  --reset             removes rollups that are there and begins anew; with --apply
  --ttl <days>        days after which rows of the rollups are deleted, also of those that are there; default: never
  --clickhouse <url>  default TELEMETRY_CLICKHOUSE_URL; TELEMETRY_CLICKHOUSE_USERNAME, _PASSWORD and _DATABASE set the
                      rest; the user needs CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, SELECT and INSERT,
                      and ALTER for --ttl on rollups that are there
  --help              prints this
`;

const OPTIONS = {
  apply: { type: 'boolean' },
  backfill: { type: 'boolean' },
  reset: { type: 'boolean' },
  ttl: { type: 'string' },
  clickhouse: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Only names of tables are read from the configuration where nothing is applied. */
const NO_SERVER = 'http://localhost:8123';

/**
 * Prints or applies the statements of the rollups. Returns the exit code.
 *
 * @throws UsageError for options that are wrong, Error where ClickHouse refuses
 */
export async function runClickHouse([action, ...args]: readonly string[]): Promise<number> {
  if (action === '--help' || action === '-h' || action === undefined) {
    process.stdout.write(HELP);
    return action === undefined ? 2 : 0;
  }
  if (action !== 'init') throw wrong(`There is no "clickhouse ${action}", only "clickhouse init".`);
  const {
    apply = false,
    backfill = false,
    reset = false,
    ttl,
    clickhouse,
    help,
  } = readOptions(args, OPTIONS, COMMAND);
  if (help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!apply && (backfill || reset)) throw wrong('--backfill and --reset change a ClickHouse: add --apply.');
  const ttlDays = ttl === undefined ? undefined : readDays(ttl);
  const url = clickhouse ?? process.env.TELEMETRY_CLICKHOUSE_URL;
  if (apply && url === undefined)
    throw wrong('--apply needs the address of a ClickHouse: set --clickhouse or TELEMETRY_CLICKHOUSE_URL.');
  const { dashboard } = configureDatabase(COMMAND, { file: undefined, clickhouse: url ?? NO_SERVER });
  if (dashboard.clickhouse === undefined) throw new Error('There is no ClickHouse.');
  const { initRollups, printRollups } = await import('../dashboard/clickhouse/rollups/init-rollups.js');
  if (apply)
    await initRollups(dashboard.clickhouse, {
      ttlDays,
      backfill,
      reset,
      report: (text) => process.stdout.write(`${text}\n`),
    });
  else process.stdout.write(printRollups(dashboard.clickhouse, ttlDays));
  return 0;
}

const wrong = (message: string): UsageError => new UsageError(message, COMMAND);

function readDays(text: string): number {
  const days = readNumber(text, '--ttl', COMMAND);
  if (Number.isInteger(days) && days >= 1 && days <= 3_650) return days;
  throw wrong(`--ttl must be a whole number of days from 1 to 3650, not "${text}".`);
}
