import { once } from 'node:events';

import { SpanStatusCode } from '@opentelemetry/api';
import * as ioredis from 'ioredis';
import { Redis } from 'ioredis';
import { instrumentRedis } from 'nestjs-telemetry';
import { createClient } from 'redis';

import { freePort } from '../support/free-port.js';
import { describeWith } from './backend-processes.js';
import { ObservedCalls } from './observed-calls.js';
import { RedisServer } from './redis-server.js';

describeWith('redis', 'clients of a real Redis', (binary) => {
  let server: RedisServer;
  let calls: ObservedCalls;
  beforeAll(async () => {
    server = await RedisServer.start(binary);
    calls = ObservedCalls.start(() => instrumentRedis(ioredis));
  });
  afterAll(async () => {
    await calls.stop();
    await server.stop();
  });

  describe('ioredis', () => {
    let redis: Redis;
    beforeEach(async () => {
      redis = new Redis(server.port, server.host);
      await redis.flushall();
    });
    afterEach(() => {
      redis.disconnect();
    });

    it('gives a command one span with its key and without its value, and measures it', async () => {
      const before = await calls.measured({ 'db.operation.name': 'SET' });
      const [set] = await calls.below(() => redis.set('user:1', 'secret', 'EX', 60));
      expect(set!.name).toBe('redis.set');
      expect(set!.attributes).toEqual({
        'db.system.name': 'redis',
        'db.operation.name': 'SET',
        'db.namespace': '0',
        'db.query.text': 'SET user:1 ? ? ?',
        'server.address': server.host,
        'server.port': server.port,
      });
      expect(await calls.measured({ 'db.operation.name': 'SET' })).toBe(before + 1);
    });

    it('records a command that waits for a connection below the span that made it, from when it was made', async () => {
      const late = new Redis(server.port, server.host, { lazyConnect: true });
      const spans = await calls.below(async () => {
        const answers = Promise.all([late.set('a', '1'), late.get('a')]);
        await expect(answers).resolves.toEqual(['OK', '1']);
      });
      late.disconnect();
      expect(spans.map(({ name }) => name)).toEqual(['redis.set', 'redis.get']);
    });

    it('records what waits for a connection that never comes', async () => {
      const nowhere = new Redis(await freePort(), '127.0.0.1', { retryStrategy: () => null });
      // What is waited out is a refused connection.
      nowhere.on('error', () => undefined);
      const [get] = await calls.below(() => expect(nowhere.get('a')).rejects.toThrow());
      expect(get!.name).toBe('redis.get');
      expect(get!.status.code).toBe(SpanStatusCode.ERROR);
    });

    it('gives a transaction one span', async () => {
      const [multi, ...others] = await calls.below(() => redis.multi().set('a', '1').incr('a').exec());
      expect(others).toEqual([]);
      expect(multi!.name).toBe('redis.multi');
      expect(multi!.attributes['db.operation.batch.size']).toBe(2);
    });

    it('gives a pipeline one span, with the first failure of its commands', async () => {
      const spans = await calls.below(() => redis.pipeline().set('a', 'text').incr('a').get('a').exec());
      expect(spans.map(({ name }) => name)).toEqual(['redis.pipeline']);
      expect(spans[0]!.attributes).toMatchObject({
        'db.operation.batch.size': 3,
        'db.response.status_code': 'ERR',
      });
    });

    it('gives batches that wait for a connection one span each', async () => {
      const late = new Redis(server.port, server.host, { lazyConnect: true });
      const names = await calls.namesBelow(async () => {
        await Promise.all([late.multi().set('a', '1').get('a').exec(), late.pipeline().get('a').exec()]);
      });
      late.disconnect();
      expect(names).toEqual(['redis.multi', 'redis.pipeline']);
    });

    it('shows the keys of a script and neither its text nor its arguments', async () => {
      const script = "return redis.call('SET', KEYS[1], ARGV[1])";
      const [evaluated] = await calls.below(() => redis.eval(script, 1, 'token:1', 'secret'));
      expect(evaluated!.attributes['db.query.text']).toBe('EVAL ? 1 token:1 ?');
    });

    it('records the error of a command and its code', async () => {
      await redis.set('text', 'a');
      const [push] = await calls.below(() => expect(redis.lpush('text', 'b')).rejects.toThrow('WRONGTYPE'));
      expect(push!.status.code).toBe(SpanStatusCode.ERROR);
      expect(push!.attributes['db.response.status_code']).toBe('WRONGTYPE');
    });

    it('records a blocking command inside a span, and no poller below one that is over', async () => {
      const poller = redis.duplicate();
      let polling: Promise<unknown> = Promise.resolve();
      const names = await calls.namesBelow(async () => {
        await redis.blpop('queue', 0.05);
        polling = (async () => {
          await new Promise((resolve) => setTimeout(resolve, 30));
          await poller.blpop('queue', 0.05);
          await poller.get('after');
        })();
      });
      expect(names).toEqual(['redis.blpop']);
      await polling;
      poller.disconnect();
      // A command that was fired and forgotten still tells where it came from.
      const late = calls.probe.spans().map(({ name }) => name);
      expect(late).toEqual(['redis.blpop', 'caller', 'redis.get']);
    });

    it('records commands outside a span as measurements only', async () => {
      const before = await calls.measured({ 'db.operation.name': 'ECHO' });
      calls.probe.reset();
      await redis.echo('hello');
      expect(calls.probe.spans()).toEqual([]);
      expect(await calls.measured({ 'db.operation.name': 'ECHO' })).toBe(before + 1);
    });

    it('records below its caller what is sent before a lost connection is noticed', async () => {
      await redis.ping();
      const names = await calls.namesBelow(() => {
        redis.stream.destroy();
        return redis.set('again', '1');
      });
      expect(names).toEqual(['redis.set']);
    });

    it('goes on after the server was lost, with one span per command', async () => {
      const helper = new Redis(server.port, server.host);
      await redis.ping();
      const lost = once(redis, 'close');
      const names = await calls.namesBelow(async () => {
        await helper.client('KILL', 'ID', String(await redis.client('ID')));
        await lost;
        await redis.set('again', '1');
      });
      helper.disconnect();
      expect(names).toEqual(['redis.set']);
    });
  });

  describe('redis', () => {
    const connect = async () => createClient({ url: server.url }).connect();
    let client: Awaited<ReturnType<typeof connect>>;
    beforeEach(async () => {
      client = await connect();
      await client.flushAll();
    });
    afterEach(() => {
      client.destroy();
    });

    it('gives a command one span with its key and without its value', async () => {
      const [set] = await calls.below(() => client.set('user:1', 'secret'));
      expect(set!.name).toBe('redis.set');
      expect(set!.attributes).toMatchObject({
        'db.system.name': 'redis',
        'db.query.text': 'SET user:1 ?',
        'server.port': server.port,
      });
    });

    it('gives a transaction and a pipeline one span each', async () => {
      const spans = await calls.below(async () => {
        await client.multi().set('a', '1').get('a').exec();
        await client.multi().get('a').get('b').get('c').execAsPipeline();
      });
      const sizes = spans.map(({ name, attributes }) => [name, attributes['db.operation.batch.size']]);
      expect(sizes).toEqual([
        ['redis.multi', 2],
        ['redis.pipeline', 3],
      ]);
    });

    it('keeps the callers of commands that wait for a connection', async () => {
      const late = createClient({ url: server.url });
      const names = await calls.namesBelow(async () => {
        await Promise.all([late.connect(), late.get('a')]);
      });
      late.destroy();
      expect(names).toEqual(['redis.connect', 'redis.get']);
    });

    it('records the error of a command', async () => {
      await client.set('text', 'a');
      const [push] = await calls.below(() => expect(client.lPush('text', 'b')).rejects.toThrow('WRONGTYPE'));
      expect(push!.attributes['db.response.status_code']).toBe('WRONGTYPE');
    });
  });
});
