import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

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
