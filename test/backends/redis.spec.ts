import { Redis } from 'ioredis';

import { describeWith } from './backend-processes.js';
import { RedisServer } from './redis-server.js';
import { SampleSystem } from './sample-system.js';

interface SampleTrace {
  readonly spans: readonly {
    readonly spanId: string;
    readonly parentSpanId?: string;
    readonly name: string;
    readonly kind: string;
    readonly error?: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
}

describeWith('redis', 'a real Redis behind tts.synthesize', (binary) => {
  let server: RedisServer;
  let client: Redis;
  let system: SampleSystem;
  beforeAll(async () => {
    server = await RedisServer.start(binary);
    client = new Redis(server.port, server.host);
    system = await SampleSystem.start({ REDIS_URL: server.url });
  });
  afterAll(async () => {
    await system.stop();
    client.disconnect();
    await server.stop();
  });

  it('keeps what was synthesized, and the next request finds it', async () => {
    const first = await system.process({ text: 'to be cached' });
    const second = await system.process({ text: 'to be cached' });
    expect([first.body.audio?.cached, second.body.audio?.cached]).toEqual([false, true]);
    expect(await client.keys('audio:*')).toHaveLength(1);
  });

  it('shows each command as a client span below tts.synthesize', async () => {
    const { traceId } = await system.process({ text: 'to be seen' });
    const response = await fetch(`${system.gateway}/debug/traces/${traceId}`, {
      headers: { accept: 'application/json' },
    });
    const { spans } = (await response.json()) as SampleTrace;
    const synthesis = spans.find(({ name }) => name === 'tts.synthesize');
    const commands = spans.filter(({ attributes }) => attributes['db.system.name'] === 'redis');
    expect(commands.map(({ name }) => name.toLowerCase().replace(/^redis\./, ''))).toEqual(['get', 'set']);
    for (const command of commands) {
      expect(command.kind).toBe('client');
      expect(command.parentSpanId).toBe(synthesis?.spanId);
      expect(command.error).toBeUndefined();
    }
  });
});
