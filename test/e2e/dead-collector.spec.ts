import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

const program = join(__dirname, 'programs/stopped-service.mjs');

/** Collectors that take nothing, each in its own way. */
const COLLECTORS: Readonly<Record<string, () => Server>> = {
  'refuses connections': () => createServer(),
  'never answers': () => createServer((socket) => socket.resume()),
  'takes a call and never answers it': () =>
    createHttp2Server().on('stream', (stream) => {
      // That it is cancelled is what the test is about.
      stream.on('error', () => undefined).resume();
    }),
  'has no time': () =>
    createHttpServer((request, response) => {
      request.resume().on('end', () => response.writeHead(503).end());
    }),
};

describe('a process whose application is closed while its collector is dead', () => {
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) {
      if (!server.listening) continue;
      server.close();
      await once(server, 'close');
    }
  });

  const startCollector = async (kind: string): Promise<string> => {
    const server = COLLECTORS[kind]!();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    servers.push(server);
    if (kind === 'refuses connections') {
      server.close();
      await once(server, 'close');
    }
    return `http://127.0.0.1:${port}`;
  };

  const protocols = ['http/protobuf', 'http/json', 'grpc'];
  const cases = protocols.flatMap((protocol) => Object.keys(COLLECTORS).map((kind) => [kind, protocol]));

  it.each(cases)('ends without delay when the collector %s, by %s', async (kind, protocol) => {
    const child = spawn(process.execPath, [program, await startCollector(kind), protocol], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    const closedAt = performance.now();
    expect(await exit).toEqual([0, null]);
    // Retries go on for seven seconds at least, a request without an answer for ten.
    expect(performance.now() - closedAt).toBeLessThan(6_000);
  });
});
