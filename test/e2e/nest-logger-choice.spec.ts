import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const PROGRAM = join(__dirname, 'programs/logging-service.mjs');

/** Standard output of a service in a process that chose a logger of NestJS. */
function outputOf(env: Readonly<Record<string, string>>): string {
  const { stdout, status } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...env },
    timeout: 60_000,
  });
  expect(status).toBe(0);
  return stdout;
}

/** Lines that nobody in the application wrote. */
const OWN = ['The dashboard is at', 'GET /orders/one 200', 'GET /orders/two 500', '/orders/three'];
const ownLinesIn = (stdout: string): string[] => OWN.filter((text) => stdout.includes(text));

describe.each(['fastify', 'express'])('a service on %s whose NestJS logger', (adapter) => {
  it('is not chosen has request lines, warnings and the address of the dashboard on standard output', () => {
    const stdout = outputOf({ ADAPTER: adapter });
    expect(ownLinesIn(stdout)).toEqual(OWN);
    expect(stdout).toContain('line of the application');
  });

  it.each([
    ['logger: false', { LOGGER: 'false' }],
    ['logger: []', { LOGGER: '[]' }],
    ['useLogger(false)', { USE_LOGGER: 'false' }],
  ])('is silent (%s) has no line on standard output but those it asks TelemetryService for', (_, env) => {
    const stdout = outputOf({ ADAPTER: adapter, ...env });
    expect(ownLinesIn(stdout)).toEqual([]);
    expect(stdout).not.toContain('line of the application');
    expect(stdout).toContain('line of the service');
  });

  it.each([
    ["logger: ['error']", { LOGGER: '["error"]' }],
    ["useLogger(['error'])", { USE_LOGGER: '["error"]' }],
  ])('writes errors only (%s) has the line of the request that failed, and no other of ours', (_, env) => {
    const stdout = outputOf({ ADAPTER: adapter, ...env });
    expect(ownLinesIn(stdout)).toEqual(['GET /orders/two 500']);
  });

  it.each([
    ['from the start', { LOGGER: 'json' }],
    ['from app.useLogger()', { USE_LOGGER: 'json' }],
  ])('is ConsoleLogger({ json: true }) %s has no line of text after that', (_, env) => {
    const stdout = outputOf({ ADAPTER: adapter, ...env });
    const lines = stdout.trim().split('\n');
    const listening = lines.findIndex((line) => line.includes('The dashboard is at'));
    expect(ownLinesIn(stdout)).toEqual(OWN);
    for (const line of lines.slice(listening)) expect(() => JSON.parse(line) as unknown).not.toThrow();
    const request = lines.map((line) => (line.startsWith('{') ? (JSON.parse(line) as object) : {}));
    expect(request).toContainEqual(
      expect.objectContaining({ msg: expect.stringMatching(/^GET \/orders\/one 200/) as string }),
    );
  });
});
