import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';

import { sessionToken } from '../access/session-token.js';
import { Dashboard } from '../dashboard.js';
import { IN_MEMORY } from '../sqlite/database/open-database.js';
import { openDatabaseBehind, type StandaloneDatabase } from './standalone-database.js';

/** Where the page listens, and what it shows. */
export interface StandalonePageOptions extends StandaloneDatabase {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Port on which OTLP over HTTP is received; undefined: none is. */
  readonly otlpPort: number | undefined;
}

/** The page in a process that serves nothing else. */
export interface StandalonePage {
  /** With the token where it is a random one. */
  readonly address: string;
  /** Base address for `OTEL_EXPORTER_OTLP_ENDPOINT`; undefined where no OTLP is received. */
  readonly otlpAddress: string | undefined;
  /** Whether OTLP must bring the token of the page. */
  readonly otlpNeedsToken: boolean;
  /** Ends connections and writes what waits. */
  close(): Promise<void>;
}

/**
 * Serves the page for what is stored in a file, on a port of its own. `GET /health` answers 200 without a token.
 *
 * @throws Error where a port cannot be used, or this Node has no SQLite
 */
export async function startStandalonePage(options: StandalonePageOptions): Promise<StandalonePage> {
  const { dashboard: config, host, otlpPort } = options;
  const database = openDatabaseBehind(options, otlpPort !== undefined);
  const isRandom = config.token === undefined;
  const token =
    config.token === false ? undefined : (config.token ?? sessionToken(options.store?.file ?? IN_MEMORY));
  const parts = {
    ...database.parts,
    config,
    token,
  };
  const page = new Dashboard(parts);
  const otlpNeedsToken = token !== undefined && !isLoopback(host);
  const receiver = otlpNeedsToken ? page : new Dashboard({ ...parts, token: undefined });
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    page.close();
    receiver.close();
    await Promise.all(servers.map(closeServer));
    await database.close();
  };
  try {
    const listen = async (serve: Handler, port: number): Promise<string> => {
      const server = createServer(serve);
      servers.push(server);
      return addressOf(await startListening(server, host, port));
    };
    const address = await listen(pageHandler(page, config.path), options.port);
    const otlpAddress =
      otlpPort === undefined ? undefined : await listen(otlpHandler(receiver, config.path), otlpPort);
    return {
      address: `${address}${config.path}/${isRandom && token !== undefined ? `#token=${token}` : ''}`,
      otlpAddress,
      otlpNeedsToken,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function pageHandler(page: Dashboard, path: string): Handler {
  return (request, response) => {
    const { url = '/' } = request;
    if (url === '/health') sendJson(response, 200, { status: 'ok' });
    else if (url === '/' || url.startsWith('/?')) response.writeHead(302, { location: `.${path}/` }).end();
    else if (url === path || url.startsWith(`${path}/`) || url.startsWith(`${path}?`))
      page.serve(request, response);
    else sendJson(response, 404, { message: `The page is at ${path}/.` });
  };
}

/** Takes OTLP where exporters send it by default, at `/v1/…`. */
function otlpHandler(receiver: Dashboard, path: string): Handler {
  return (request, response) => {
    const { url = '/' } = request;
    if (url === '/health') sendJson(response, 200, { status: 'ok' });
    // No other path may reach the receiver, which asks for no token: `/../api` would be the API.
    else if (!/^\/v1\/(?:traces|metrics|logs)$/.test(url))
      sendJson(response, 404, { message: 'OTLP is taken on /v1/traces, /v1/metrics and /v1/logs.' });
    else receiver.serve(Object.assign(request, { originalUrl: `${path}/otlp${url}` }), response);
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function startListening(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Error(
          error.code === 'EADDRINUSE'
            ? `Port ${port} of ${host} is in use by another process.`
            : `Cannot listen on ${host}, port ${port}: ${error.message}.`,
          { cause: error },
        ),
      );
    });
    server.listen(port, host, () => {
      resolve(server.address() as AddressInfo); // it listens on a port
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');

/** For a browser on this machine where the server listens on all interfaces. */
function addressOf({ address, family, port }: AddressInfo): string {
  const host = ['0.0.0.0', '::'].includes(address)
    ? 'localhost'
    : family === 'IPv6'
      ? `[${address}]`
      : address;
  return `http://${host}:${port}`;
}
