import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

import { warnOnce } from '../../errors/warnings.js';
import { type PrometheusScrape } from './prometheus-scrape.js';

export interface PrometheusServerOptions {
  /** 0 chooses a free port. */
  readonly port: number;
  readonly host: string;
  readonly path: string;
}

export interface PrometheusServer {
  /** The port it listens on; undefined when listening failed, which was logged. */
  readonly listening: Promise<number | undefined>;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

/**
 * Serves metrics on a separate port. The server never keeps the process alive. Never throws: a
 * failure is logged.
 */
export function startPrometheusServer(
  options: PrometheusServerOptions,
  scrape: PrometheusScrape,
): PrometheusServer {
  const server = createServer((request, response) => {
    void answer(request, response, options.path, scrape);
  });
  server.unref();
  return {
    listening: listen(server, options),
    async close() {
      const closed = promisify(server.close.bind(server))();
      server.closeAllConnections();
      // It rejects only when the server was not listening.
      await closed.catch(() => undefined);
    },
  };
}

function listen(server: Server, { port, host, path }: PrometheusServerOptions): Promise<number | undefined> {
  return new Promise((resolve) => {
    server.on('error', (error) => {
      warnOnce(
        `prometheus-server:${host}:${port}`,
        `metrics are not served on http://${host}:${port}${path}: ${error.message}. Choose another prometheus.port ` +
          "(OTEL_EXPORTER_PROMETHEUS_PORT), or leave it out to serve them on the application's own port.",
      );
      resolve(undefined);
    });
    // Otherwise workers of a cluster share the port, and each scrape reaches another worker.
    server.listen({ port, host, exclusive: true }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  scrape: PrometheusScrape,
): Promise<void> {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const [requested] = (request.url ?? '').split('?', 1);
  if (!isRead || requested !== path) {
    response
      .writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
      .end(`metrics are at GET ${path}\n`);
    return;
  }
  const { statusCode, contentType, body } = await scrape.render(request.headers.accept);
  response.writeHead(statusCode, { 'content-type': contentType });
  if (request.method === 'HEAD') {
    body.destroy();
    response.end();
    return;
  }
  // A scraper that has gone needs no answer; one that gets only a part of the text sees the connection end.
  await pipeline(body, response).catch(() => undefined);
}
