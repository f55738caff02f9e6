import { SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import * as ioredis from 'ioredis';
import { Cluster } from 'ioredis';
import { instrumentRedis } from 'nestjs-telemetry';
import { createCluster } from 'redis';

import { describeWith } from './backend-processes.js';
import { ObservedCalls } from './observed-calls.js';
import { RedisCluster } from './redis-cluster.js';

describeWith('redis', 'clients of a real Redis Cluster', (binary) => {
  let cluster: RedisCluster;
  let calls: ObservedCalls;
  beforeAll(async () => {
    cluster = await RedisCluster.start(binary);
    calls = ObservedCalls.start(() => instrumentRedis(ioredis));
  });
  afterAll(async () => {
    await calls.stop();
    await cluster.stop();
  });

  /** What the spans say of where each operation went. */
  const places = (spans: readonly ReadableSpan[]) =>
    spans.map(({ name, attributes }) => [name, attributes['server.address'], attributes['server.port']]);

  describe('ioredis', () => {
    let client: Cluster;
    beforeEach(async () => {
      client = new Cluster([...cluster.addresses], { lazyConnect: true });
      await client.connect();
    });
    afterEach(() => {
      client.disconnect();
    });

    it('gives each command one span with the node that has its key', async () => {
      const keys = ['a', 'b', 'c'];
      const spans = await calls.below(async () => {
        for (const key of keys) await client.set(key, '1');
      });
      const ports = await Promise.all(keys.map((key) => cluster.portOf(key)));
      expect(new Set(ports).size).toBe(3);
      expect(places(spans)).toEqual(ports.map((port) => ['redis.set', '127.0.0.1', port]));
    });

    it('records the node of commands that had to wait for the cluster, and nothing of how it was found', async () => {
      const late = new Cluster([...cluster.addresses], { lazyConnect: true });
      const spans = await calls.below(() => Promise.all([late.get('a'), late.get('b')]));
      late.disconnect();
      expect(places(spans)).toEqual([
        ['redis.get', '127.0.0.1', await cluster.portOf('a')],
        ['redis.get', '127.0.0.1', await cluster.portOf('b')],
      ]);
    });

    it('gives a transaction and a pipeline one span each, with the node that has their keys', async () => {
      const spans = await calls.below(async () => {
        await client.multi().set('{b}1', '1').get('{b}1').exec();
        await client.pipeline().set('{c}1', '1').get('{c}1').exec();
      });
      expect(places(spans)).toEqual([
        ['redis.multi', '127.0.0.1', await cluster.portOf('b')],
        ['redis.pipeline', '127.0.0.1', await cluster.portOf('c')],
      ]);
    });

    it('gives a command that is redirected one span, with the node that was asked first', async () => {
      const { from } = await cluster.move('moved:ioredis');
      const spans = await calls.below(() => client.set('moved:ioredis', '1'));
      expect(places(spans)).toEqual([['redis.set', '127.0.0.1', from]]);
      expect(spans[0]!.status.code).toBe(SpanStatusCode.UNSET);
    });

    it('shows a redirected command once, and not below the span that opened the connection', async () => {
      const key = 'moved:later';
      const opened = new Cluster([...cluster.addresses], { lazyConnect: true });
      await calls.below(() => opened.get(key));
      const { from, to } = await cluster.move(key);
      // The node that it goes to has no connection yet: there its command waits.
      opened
        .nodes()
        .find(({ options }) => options.port === to)!
        .disconnect();
      await calls.below(() => opened.set(key, '1'));
      const commands = calls.probe.spans().filter(({ name }) => name !== 'caller');
      opened.disconnect();
      expect(places(commands)).toEqual([['redis.set', '127.0.0.1', from]]);
    });

    it('gives a command that is asked elsewhere while a slot moves one span', async () => {
      const { from } = await cluster.beginMove('moving:ioredis');
      const spans = await calls.below(() => client.set('moving:ioredis', '1'));
      expect(places(spans)).toEqual([['redis.set', '127.0.0.1', from]]);
      expect(spans[0]!.status.code).toBe(SpanStatusCode.UNSET);
    });

    it('records a batch that no node takes', async () => {
      const [pipeline, ...others] = await calls.below(() =>
        expect(client.pipeline().get('a').get('b').exec()).rejects.toThrow('same slots'),
      );
      expect(others).toEqual([]);
      expect(pipeline!.status.code).toBe(SpanStatusCode.ERROR);
      expect(pipeline!.attributes).not.toHaveProperty(['server.address']);
    });
  });

  describe('redis', () => {
    const connect = async () => {
      const rootNodes = cluster.addresses.map((socket) => ({ socket }));
      return createCluster({ rootNodes }).connect();
    };
    let client: Awaited<ReturnType<typeof connect>>;
    beforeEach(async () => {
      client = await connect();
      // It connects to a node when it needs it first.
      for (const key of ['a', 'b', 'c']) await client.get(key);
    });
    afterEach(() => {
      client.destroy();
    });

    it('gives each command one span with the node that has its key', async () => {
      const keys = ['a', 'b', 'c'];
      const spans = await calls.below(async () => {
        for (const key of keys) await client.set(key, '1');
      });
      const ports = await Promise.all(keys.map((key) => cluster.portOf(key)));
      expect(places(spans)).toEqual(ports.map((port) => ['redis.set', '127.0.0.1', port]));
    });

    it('gives a transaction and a pipeline one span each, with the node that has their keys', async () => {
      const spans = await calls.below(async () => {
        await client.multi().set('{b}2', '1').get('{b}2').exec();
        await client.multi().set('{c}2', '1').get('{c}2').execAsPipeline();
      });
      expect(places(spans)).toEqual([
        ['redis.multi', '127.0.0.1', await cluster.portOf('b')],
        ['redis.pipeline', '127.0.0.1', await cluster.portOf('c')],
      ]);
    });

    it.each(['move', 'beginMove'] as const)(
      'gives a command that is redirected one span per node, of which none is an error (%s)',
      async (how) => {
        const key = `${how}:redis`;
        const { from, to } = await cluster[how](key);
        const spans = await calls.below(() => client.set(key, '1'));
        const commands = spans.filter(({ name }) => name !== 'redis.connect');
        expect(places(commands)).toEqual([
          ['redis.set', '127.0.0.1', from],
          ['redis.set', '127.0.0.1', to],
        ]);
        expect(commands.map(({ status }) => status.code)).toEqual([
          SpanStatusCode.UNSET,
          SpanStatusCode.UNSET,
        ]);
        expect(commands[0]!.attributes['db.response.status_code']).toBe(how === 'move' ? 'MOVED' : 'ASK');
      },
    );

    it('records the error of a command', async () => {
      await client.set('text', 'a');
      const [push] = await calls.below(() => expect(client.lPush('text', 'b')).rejects.toThrow('WRONGTYPE'));
      expect(push!.attributes['db.response.status_code']).toBe('WRONGTYPE');
      expect(push!.status.code).toBe(SpanStatusCode.ERROR);
    });
  });
});
