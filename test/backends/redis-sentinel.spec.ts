import * as ioredis from 'ioredis';
import { Redis } from 'ioredis';
import { instrumentRedis } from 'nestjs-telemetry';
import { createSentinel } from 'redis';

import { describeWith } from './backend-processes.js';
import { ObservedCalls } from './observed-calls.js';
import { RedisServer } from './redis-server.js';

const NAME = 'orders';

describeWith('redis', 'clients that ask a real Redis Sentinel for their server', (binary) => {
  let server: RedisServer;
  let sentinel: RedisServer;
  let calls: ObservedCalls;
  beforeAll(async () => {
    server = await RedisServer.start(binary);
    sentinel = await RedisServer.startSentinel(binary, NAME, server);
    calls = ObservedCalls.start(() => instrumentRedis(ioredis));
  });
  afterAll(async () => {
    await calls.stop();
    await sentinel.stop();
    await server.stop();
  });

  const placesOf = async (work: () => Promise<unknown>) => {
    const spans = await calls.below(work);
    return spans.map(({ name, attributes }) => [
      name,
      attributes['server.address'],
      attributes['server.port'],
    ]);
  };

  describe('ioredis', () => {
    let redis: Redis;
    beforeEach(() => {
      const { host, port } = sentinel;
      redis = new Redis({ sentinels: [{ host, port }], name: NAME, lazyConnect: true });
    });
    afterEach(() => {
      redis.disconnect();
    });

    it('records the server that a command went to, not the sentinel and not a default', async () => {
      await redis.connect();
      expect(await placesOf(() => redis.set('a', '1'))).toEqual([['redis.set', server.host, server.port]]);
    });

    it('records it for a transaction and for a pipeline', async () => {
      await redis.connect();
      const places = await placesOf(async () => {
        await redis.multi().set('a', '1').get('a').exec();
        await redis.pipeline().set('a', '1').get('a').exec();
      });
      expect(places).toEqual([
        ['redis.multi', server.host, server.port],
        ['redis.pipeline', server.host, server.port],
      ]);
    });

    it('records it for commands that waited until the sentinel had answered', async () => {
      const places = await placesOf(() => Promise.all([redis.get('a'), redis.pipeline().get('b').exec()]));
      expect(places).toEqual([
        ['redis.get', server.host, server.port],
        ['redis.pipeline', server.host, server.port],
      ]);
    });
  });

  it('records the server that a command of redis went to', async () => {
    const { host, port } = sentinel;
    const client = await createSentinel({ name: NAME, sentinelRootNodes: [{ host, port }] }).connect();
    const places = await placesOf(async () => {
      await client.set('a', '1');
      await client.multi().set('a', '1').get('a').exec();
    });
    await client.close();
    expect(places).toEqual([
      ['redis.set', server.host, server.port],
      ['redis.multi', server.host, server.port],
    ]);
  });
});
