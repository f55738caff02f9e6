import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo } from 'node:net';

/** A request as it came over the wire, without the framing of gRPC. */
export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface OtlpReceiver {
  readonly port: number;
  readonly requests: ReceivedRequest[];
}

const started: (() => Promise<void>)[] = [];

/** Stops all receivers of this test file; for afterEach(). */
export async function closeReceivers(): Promise<void> {
  await Promise.all(started.splice(0).map((close) => close()));
}

/** A server for OTLP over HTTP that answers each request with `status` and an empty success. */
export async function startHttpReceiver(
  status = 200,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<OtlpReceiver> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      const isJson = request.headers['content-type'] === 'application/json';
      response.writeHead(status, { 'content-type': request.headers['content-type'] });
      response.end(isJson ? '{}' : undefined);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  started.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

const GRPC_FRAME_HEADER_BYTES = 5;

/** A server for OTLP over gRPC on bare HTTP/2: one frame in, an empty message out, status OK. */
export async function startGrpcReceiver(): Promise<OtlpReceiver> {
  const requests: ReceivedRequest[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const frame = Buffer.concat(chunks);
      const isCompressed = frame.readUInt8(0) === 1;
      const length = frame.readUInt32BE(1);
      const body = frame.subarray(GRPC_FRAME_HEADER_BYTES);
      if (isCompressed || length !== body.length) throw new Error('expected one uncompressed gRPC frame');
      requests.push({ path: headers[':path'] ?? '', headers, body });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': '0' });
      });
      stream.end(Buffer.alloc(GRPC_FRAME_HEADER_BYTES));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  started.push(async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, requests };
}
