import { type DashboardContext } from '../dashboard-context.interface.js';
import { prepareMcpServers } from '../mcp/create-mcp-server.js';
import { loadMcpSdk, loadMcpStdio } from '../mcp/mcp-package.js';
import { openDatabaseBehind, type StandaloneDatabase } from './standalone-database.js';

/** An MCP server on standard input and output. */
export interface StdioServer {
  /** Resolves when the client has closed standard input. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves what is stored to a coding agent that starts this process, on standard input and output. There is no token: who starts the
 * process can read the database.
 *
 * @throws Error where the SDK is missing, or the file cannot be shown
 */
export async function serveMcp(options: StandaloneDatabase): Promise<StdioServer> {
  const sdk = loadMcpSdk();
  const { serveStdio } = loadMcpStdio();
  const database = openDatabaseBehind(options, false);
  const { loadReader, closeReader, ...parts } = database.parts;
  const context: DashboardContext = {
    ...parts,
    config: options.dashboard,
    token: undefined,
    reader: await loadReader(),
  };
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve).once('close', resolve);
  });
  const server = serveStdio(prepareMcpServers(sdk, context), { maxSubscriptions: 0 });
  return {
    ended,
    async close() {
      await server.close();
      closeReader?.();
      await database.close();
    },
  };
}
