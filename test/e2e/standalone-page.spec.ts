import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from '../support/eventually.js';

const command = join(__dirname, '../../dist/esm/cli/main.js');
const TOKEN = 'a-token-of-the-test';

interface Command {
  readonly child: ChildProcess;
  /** Standard output and error so far. */
  printed(): string;
}

interface RunningPage extends Command {
  readonly page: string;
  readonly token: string;
  readonly otlp: string;
}

describe('nestjs-telemetry dashboard, the page as a separate process', () => {
  const running: Command[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetry-page-'));
  });
  afterEach(async () => {
    for (const { child } of running.splice(0)) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Command => {
    const child = spawn(process.execPath, [command, 'dashboard', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_NO_WARNINGS: '1', TELEMETRY_STORE_FILE: undefined, ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const started = { child, printed: () => output };
    running.push(started);
    return started;
  };
  const stop = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  const start = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunningPage> => {
    const started = run(['--port', '0', ...args], env);
    const lines = args.includes('--otlp-port') ? 2 : 1;
    await eventually('a page', () => started.printed().split('\n').length > lines, 60_000);
    const [, page = '', token = ''] =
      /The page is at (http:\/\/\S+?\/telemetry)\/(?:#token=(\S+))?\n/.exec(started.printed()) ?? [];
    const [, otlp = ''] =
      /received at (http:\/\/\S+?):? set|received at (\S+):/.exec(started.printed()) ?? [];
    return { ...started, page, token, otlp: otlp.replace(/:$/, '') };
  };
  const ended = async (args: readonly string[]): Promise<{ code: number | null; output: string }> => {
    const { child, printed } = run(args);
    await once(child, 'close');
    return { code: child.exitCode, output: printed() };
  };
  const ask = async (page: string, path: string, token: string): Promise<Response> =>
    fetch(`${page}/api/v1/${path}`, token === '' ? {} : { headers: { authorization: `Bearer ${token}` } });
  const sendSpan = async (
    otlp: string,
    name: string,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const now = BigInt(Date.now()) * 1_000_000n;
    return fetch(`${otlp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({
        resourceSpans: [
          {
            resource: { attributes: [{ key: 'service.name', value: { stringValue: 'billing' } }] },
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: '5b8efff798038103d269b633813fc60c',
                    spanId: 'eee19b7ec3c1b174',
                    name,
                    kind: 2,
                    startTimeUnixNano: String(now - 5_000_000n),
                    endTimeUnixNano: String(now),
                  },
                ],
              },
            ],
          },
        ],
      }),
    });
  };
  /** With the path as it is written, which `fetch` would shorten. */
  const statusOf = async (origin: string, path: string): Promise<number | undefined> => {
    const { hostname, port } = new URL(origin);
    const [response] = (await once(get({ hostname, port, path }), 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  const traces = async ({ page, token }: RunningPage): Promise<readonly { readonly name: string }[]> =>
    ((await (await ask(page, 'traces', token)).json()) as { items: { name: string }[] }).items;

  it('receives OTLP of any service and shows it, with a random token for the page only', async () => {
    const page = await start(['--otlp-port', '0']);
    expect(page.token).toMatch(/^[\w-]{32}$/);
    expect((await sendSpan(page.otlp, 'charge')).status).toBe(200);
    await eventually('the trace', async () => (await traces(page)).some(({ name }) => name === 'charge'));
    expect((await ask(page.page, 'traces', '')).status).toBe(401);
    expect((await fetch(`${page.otlp}/v1/traces`)).status).toBe(405);
    // Nothing but OTLP is behind that port.
    for (const path of ['/api/v1/traces', '/v1/../../api/v1/traces', '/v1/traces/../../../api/v1/traces'])
      expect(await statusOf(page.otlp, path)).toBe(404);
  });

  it('keeps what it received over a restart', async () => {
    const first = await start(['--otlp-port', '0', '--file', 'kept.db']);
    await sendSpan(first.otlp, 'charge');
    expect(await stop(first.child)).toBe(0);
    const second = await start(['--file', 'kept.db']);
    expect((await traces(second)).map(({ name }) => name)).toEqual(['charge']);
    expect(second.token).toBe(first.token);
  });

  it('shows the file of a process that writes to it', async () => {
    const writer = await start(['--otlp-port', '0', '--file', 'shared.db']);
    const viewer = await start(['--file', 'shared.db']);
    await sendSpan(writer.otlp, 'charge');
    await eventually('the trace', async () => (await traces(viewer)).some(({ name }) => name === 'charge'));
  });

  it('says that it has no telemetry to change', async () => {
    const { page, token } = await start(['--otlp-port', '0']);
    expect(await (await ask(page, 'control', token)).json()).toMatchObject({
      changes: [],
      refused: expect.stringMatching(/Open the page of the application/) as string,
    });
  });

  it('names the ClickHouse that cannot be reached, and answers GET /health all the same', async () => {
    const { page, token } = await start(['--clickhouse', 'http://127.0.0.1:1']);
    const answer = await ask(page, 'services', token);
    expect(answer.ok).toBe(false);
    expect(await answer.text()).toMatch(/127\.0\.0\.1:1.*cannot be reached/);
    expect((await fetch(new URL('/health', page))).status).toBe(200);
  });

  it('serves the page itself, below the address of the server', async () => {
    const { page } = await start(['--otlp-port', '0']);
    const response = await fetch(new URL('/', page));
    expect(response.url).toBe(`${page}/`);
    expect(await response.text()).toContain('<!doctype html>');
    expect((await fetch(new URL('/other', page))).status).toBe(404);
  });

  it('answers GET /health on both ports without a token', async () => {
    const { page, otlp } = await start(['--otlp-port', '0', '--token', TOKEN]);
    for (const address of [new URL('/health', page), `${otlp}/health`])
      expect(await (await fetch(address)).json()).toEqual({ status: 'ok' });
  });

  it('takes the token of the environment, and prints it nowhere', async () => {
    const page = await start(['--otlp-port', '0'], { TELEMETRY_DASHBOARD_TOKEN: TOKEN });
    expect((await ask(page.page, 'traces', TOKEN)).status).toBe(200);
    expect(page.printed()).not.toContain(TOKEN);
  });

  it('asks for the token with OTLP, too, where other machines reach the port', async () => {
    const page = await start(['--otlp-port', '0', '--host', '0.0.0.0', '--token', TOKEN]);
    expect((await sendSpan(page.otlp, 'charge')).status).toBe(401);
    expect((await sendSpan(page.otlp, 'charge', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect(page.printed()).toContain('OTEL_EXPORTER_OTLP_HEADERS to authorization=Bearer%20<token>');
  });

  it.each([
    [
      ['--no-token', '--host', '0.0.0.0', '--otlp'],
      2,
      /--no-token shows everything .*0\.0\.0\.0.*Set --token/,
    ],
    [['--clickhouse', 'http://localhost:8123', '--otlp'], 2, /--clickhouse .*leave --file and --otlp out/],
    [['--clickhouse', 'localhost'], 1, /dashboard\.source\.clickhouse\.url\s+received: "localhost"/],
    [['--port', '65536'], 2, /--port must be a port from 0 to 65535, not "65536"/],
    [['--max-bytes', 'much', '--otlp'], 2, /--max-bytes must be a number, not "much"/],
    [['--fil', 'x'], 2, /Unknown option '--fil'/],
    [
      ['--token', 'short', '--otlp'],
      1,
      /dashboard\.token\s+received: \(hidden\)\s+set in: +nestjs-telemetry dashboard/,
    ],
    [['--file', 'none.db'], 1, /There is no store at \S+none\.db\. Start an application.*--file.*--otlp/],
  ])('ends with a reason for %j', async (args, code, reason) => {
    const result = await ended(args);
    expect(result.output).toMatch(reason);
    expect(result.code).toBe(code);
  });

  it('names the port that another process has', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    expect(await ended(['--otlp-port', '0', '--port', String(port)])).toEqual({
      code: 1,
      output: `Port ${port} of 127.0.0.1 is in use by another process.\n`,
    });
    other.close();
  });

  it('leaves a file alone that is no store', async () => {
    const file = join(folder, 'notes.db');
    writeFileSync(file, 'no database at all, but somebody wants to keep it'.repeat(30));
    const { code, output } = await ended(['--file', 'notes.db']);
    expect(output).toMatch(/notes\.db cannot be shown: /);
    expect(code).toBe(1);
    expect(existsSync(file)).toBe(true);
  });
});
