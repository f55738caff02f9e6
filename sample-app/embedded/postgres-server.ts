import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

import { hosts } from '../settings/addresses.js';

/** More than the pools of all services together hold. */
const MAX_CONNECTIONS = 50;

/** A PostgreSQL in this process and in memory, spoken to over the real wire protocol. */
export async function startPostgresServer(port: number): Promise<{ url: string; stop(): Promise<void> }> {
  const db = await PGlite.create();
  const server = new PGLiteSocketServer({
    db,
    port,
    host: hosts.embedded(),
    maxConnections: MAX_CONNECTIONS,
  });
  await server.start();
  const listening = server.getServerConn().split(':').at(-1) ?? String(port);
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${listening}/postgres`,
    stop: async () => {
      await server.stop();
      await db.close();
    },
  };
}
