import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

/** The other side of a client under test: a server of loopback that remembers the headers it was sent. */
export class HttpUpstream {
  received: IncomingHttpHeaders[] = [];

  private constructor(readonly server: Server) {
    server.prependListener('request', (request) => this.received.push(request.headers));
  }

  static async start(respond: RequestListener): Promise<HttpUpstream> {
    const server = createServer(respond);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HttpUpstream(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A port of loopback that refuses connections. */
export async function findRefusingPort(): Promise<number> {
  const upstream = await HttpUpstream.start(() => undefined);
  const { port } = upstream;
  await upstream.stop();
  return port;
}
