import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { BackendProcess, describeWith, findFreePort } from './backend-processes.js';
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
  let folder: string;
  let server: BackendProcess;
  let client: Redis;
  let system: SampleSystem;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-redis-'));
    const port = await findFreePort();
    client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 100 });
    // While the server starts, refused connections are what is being waited out.
    client.on('error', () => undefined);
    server = await BackendProcess.start(
      [
        binary,
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
        '--dir',
        folder,
      ],
      async () => Boolean(await client.ping()),
    );
    system = await SampleSystem.start({ REDIS_URL: `redis://127.0.0.1:${port}` });
  }, 60_000);
  afterAll(async () => {
    await system.stop();
    client.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

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
