import { configureDatabase, DATABASE_OPTIONS } from './configure-database.js';
import { readOptions } from './read-options.js';
import { untilStopped } from './until-stopped.js';

const COMMAND = 'mcp';

const HELP = `Usage: nestjs-telemetry mcp [options]

Serves errors, traces, logs and more to a coding agent, as a read-only MCP server on standard input and output.
The agent starts this command by itself. It needs the package @modelcontextprotocol/server 2.

Options:
  --file <path>       SQLite file of the store; default TELEMETRY_STORE_FILE, else .telemetry/telemetry.db
  --clickhouse <url>  ClickHouse in place of a file, default TELEMETRY_CLICKHOUSE_URL; TELEMETRY_CLICKHOUSE_USERNAME,
                      _PASSWORD and _DATABASE set the rest
  --help              prints this
`;

const OPTIONS = { ...DATABASE_OPTIONS, help: { type: 'boolean', short: 'h' } } as const;

/**
 * Serves until the agent closes standard input, or a signal. Returns the exit code.
 *
 * @throws UsageError for options that are wrong, Error where nothing can be served
 */
export async function runMcp(args: readonly string[]): Promise<number> {
  const { file, clickhouse, help } = readOptions(args, OPTIONS, COMMAND);
  if (help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const database = configureDatabase(COMMAND, { file, clickhouse });
  const { serveMcp } = await import('../dashboard/standalone/serve-mcp.js');
  const server = await serveMcp(database);
  await Promise.race([server.ended, untilStopped()]);
  await server.close();
  return 0;
}
