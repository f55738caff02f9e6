import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

const program = join(__dirname, 'programs/clustered-service.mjs');

/** What primary and workers warn about. */
async function run(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], { timeout: 50_000 });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('a cluster whose workers offer metrics to Prometheus', () => {
  it('warns once in each worker that a scrape reaches any of them, with the remedy', async () => {
    const warned = await run();
    expect(warned).toHaveLength(2);
    for (const line of warned)
      expect(line).toMatch(
        /^worker: .*one worker of a cluster.*\/metrics reaches any one.*otlpEndpoint.*prometheus: \{ port/,
      );
  });

  it('never shares a scrape port: the second worker warns that it is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await run(String(port))).toEqual([
      expect.stringMatching(/^worker: metrics are not served on .*EADDRINUSE.*another prometheus\.port/),
    ]);
  });
});

describe('two workers behind one port, each with a scrape port', () => {
  interface Listening {
    readonly slot: number;
    readonly pid: number;
  }
  let primary: ChildProcess;
  let port = 0;
  let scrapePorts: readonly number[] = [];
  const listening: Listening[] = [];
  let output = '';

  beforeAll(async () => {
    port = await freePort();
    scrapePorts = [await freePort(), await freePort()];
    const args = [port, ...scrapePorts].map(String);
    primary = fork(join(__dirname, 'programs/worker-pair.mjs'), args, {
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [primary.stdout, primary.stderr])
      stream!.on('data', (chunk: Buffer) => (output += chunk.toString()));
    primary.on('message', (message) => listening.push(message as Listening));
    await eventually('two workers', () => listening.length === 2, 60_000);
  }, 70_000);
  afterAll(async () => {
    primary.kill('SIGKILL');
    await once(primary, 'exit');
  });

  /** With a connection for each, so that the primary hands them to the workers in turn. */
  const sendRequests = async (count: number): Promise<void> => {
    const agent = new Agent({ keepAlive: false });
    for (let sent = 0; sent < count; sent += 1) {
      const [response] = (await once(get({ port, host: '127.0.0.1', path: '/work', agent }), 'response')) as [
        NodeJS.ReadableStream,
      ];
      response.resume();
      await once(response, 'end');
    }
  };
  const scrape = async (slot: number): Promise<{ count: number; instance: string | undefined }> => {
    const read = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${scrapePorts[slot]!}/metrics`)).text();
    const text = await eventually('metrics', read, 30_000, { throughErrors: true });
    const [, count = '0'] = /^http_server_request_duration_seconds_count\{.*\} (\d+)$/m.exec(text) ?? [];
    return { count: Number(count), instance: /service_instance_id="([^"]*)"/.exec(text)?.[1] };
  };

  it('counts each request once, in the worker that answered it, under its name', async () => {
    await sendRequests(20);
    const workers = [await scrape(0), await scrape(1)];
    expect(workers.map(({ instance }) => instance)).toEqual(['worker-0', 'worker-1']);
    expect(workers.reduce((sum, { count }) => sum + count, 0)).toBe(20);
    for (const { count } of workers) expect(count).toBeGreaterThan(0);
    expect(output).toBe('');
  });

  it('has the replacement of a worker on the same scrape port', async () => {
    const ended = listening.find(({ slot }) => slot === 1)!;
    process.kill(ended.pid, 'SIGKILL');
    await eventually('a replacement', () =>
      listening.some(({ slot, pid }) => slot === 1 && pid !== ended.pid),
    );
    await sendRequests(4);
    const { count, instance } = await scrape(1);
    expect(instance).toBe('worker-1');
    expect(count).toBeGreaterThan(0);
  });
});
