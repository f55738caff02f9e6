import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describeWith } from './backend-processes.js';
import { FerretdbServer } from './ferretdb-server.js';
import { PostgresServer } from './postgres-server.js';
import { RedisServer } from './redis-server.js';

const run = promisify(execFile);

async function clientSpans(env: Record<string, string>): Promise<unknown> {
  const program = join(__dirname, 'programs/drivers-loaded-late.mjs');
  const { stdout } = await run(process.execPath, [program], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('a driver that is loaded after telemetry has started', () => {
  describeWith('postgres', 'pg', (binaries) => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await PostgresServer.start(binaries);
    });
    afterAll(() => server.stop());

    it('is recorded, as TypeORM requires it, as MikroORM brings its own, and imported', async () => {
      await expect(clientSpans({ POSTGRES_URL: server.url })).resolves.toEqual({
        typeorm: ['SELECT'],
        pg: ['SELECT'],
        'mikro-orm': ['BEGIN', 'INSERT things', 'COMMIT'],
      });
    });
  });

  describeWith('redis', 'ioredis and redis', (binary) => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start(binary);
    });
    afterAll(() => server.stop());

    it('is recorded, with what waited for the connection and with one span for a pipeline', async () => {
      await expect(clientSpans({ REDIS_URL: server.url })).resolves.toEqual({
        ioredis: ['redis.set', 'redis.pipeline'],
        redis: ['redis.get'],
      });
    });
  });

  describeWith('ferretdb', 'mongodb', (binary) => {
    let server: FerretdbServer;
    beforeAll(async () => {
      server = await FerretdbServer.start(binary);
    });
    afterAll(() => server.stop());

    it('is recorded, imported and as Mongoose brings its own', async () => {
      await expect(clientSpans({ MONGODB_URL: server.url })).resolves.toEqual({
        mongodb: ['find things'],
        mongoose: ['find things'],
      });
    });
  });
});
