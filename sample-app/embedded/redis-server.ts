import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

import { hosts } from '../settings/addresses.js';
import { ExpiringMap } from './expiring-map.js';
import { answerCommand, type RedisSession } from './redis-commands.js';
import { resp, RespCommandReader } from './resp-protocol.js';

/** How many keys are kept. */
const CAPACITY = 10_000;

/** A cache that speaks Redis's protocol (2 and 3) over TCP, as far as the sample system needs it; REDIS_URL takes a real one. */
export async function startRedisServer(port: number): Promise<{ url: string; stop(): Promise<void> }> {
  const values = new ExpiringMap(CAPACITY);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {
      // A client that went away takes nothing with it; `close` follows and cleans up.
    });
    serve(socket, { version: 2, values });
  });
  server.listen(port, hosts.embedded());
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, session: RedisSession): void {
  const reader = new RespCommandReader();
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    try {
      for (const command of reader.read(chunk)) {
        if (command[0]?.toUpperCase() === 'QUIT') {
          socket.end(resp.simple('OK'));
          return;
        }
        socket.write(answerCommand(session, command));
      }
    } catch (error) {
      socket.end(resp.error(`Protocol error: ${error instanceof Error ? error.message : String(error)}`));
    }
  });
}
