import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { type Platform } from '../platform.js';
import { type RunningApp } from '../running-app.js';
import { answered, startDashboard, statusAt } from './dashboard-app.js';

async function connect(app: RunningApp, headers: Readonly<Record<string, string>> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${app.origin}/telemetry/mcp`), { requestInit: { headers } }),
  );
  return client;
}

async function call(client: Client, name: string, given: Record<string, unknown> = {}): Promise<string> {
  const { content, isError } = await client.callTool({ name, arguments: given });
  const [first] = content;
  if (first?.type !== 'text' || isError === true) throw new Error(`${name}: ${JSON.stringify(content)}`);
  return first.text;
}

export function describeDashboardMcp(platform: Platform): void {
  describe('the MCP server of the dashboard', () => {
    const token = 'a-token-nobody-guesses';
    const authorization = `Bearer ${token}`;
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(platform, { token });
    });
    afterAll(() => app.stop());

    const statusWith = (headers: Record<string, string>, method = 'POST'): Promise<number> =>
      statusAt(app, 'mcp', headers, method);

    it('answers an agent that has the token: finds the request that failed, its trace and its log line', async () => {
      await app.fetch('/orders');
      const client = await connect(app, { authorization });
      try {
        const { traceId } = await answered('the failed request', async () => {
          const { traces } = JSON.parse(
            await call(client, 'search_traces', { status: 'error', route: '/orders' }),
          ) as {
            readonly traces: readonly { readonly traceId: string }[];
          };
          return traces[0];
        });
        const trace = await call(client, 'get_trace', { traceId });
        expect(trace).toContain('failed: Error: the shelf is empty');
        expect(trace).toContain('no orders today');
        expect(await call(client, 'search_logs', { traceId, level: 'error' })).toContain('no orders today');
        const errors = await answered('the error', async () => {
          const text = await call(client, 'list_errors');
          return text.includes('the shelf is empty') && text;
        });
        expect(errors).toContain(traceId);
      } finally {
        await client.close();
      }
    });

    it('refuses who has no token, or a wrong one', async () => {
      expect(await statusWith({})).toBe(401);
      expect(await statusWith({ authorization: 'Bearer another-token-altogether' })).toBe(401);
      await expect(connect(app)).rejects.toThrow();
    });

    it('refuses pages of other origins and other hosts, with the token too', async () => {
      const host = 'localhost:3000';
      expect(await statusWith({ authorization, host: 'evil.example' })).toBe(403);
      expect(await statusWith({ authorization, host, origin: 'http://evil.example' })).toBe(403);
      expect(await statusWith({ authorization, host, 'sec-fetch-site': 'cross-site' })).toBe(403);
    });

    it('takes JSON of a bounded length only', async () => {
      const send = async (body: string, type: string): Promise<number> =>
        (
          await app.fetch('/telemetry/mcp', {
            method: 'POST',
            headers: { authorization, 'content-type': type, accept: 'application/json, text/event-stream' },
            body,
          })
        ).status;
      expect(await send('{}', 'text/plain')).toBe(415);
      expect(await send('{', 'application/json')).toBe(400);
      expect(await send(JSON.stringify({ text: 'x'.repeat(70_000) }), 'application/json')).toBe(413);
      expect(await statusWith({ authorization }, 'GET')).toBe(405);
    });
  });

  describe('a dashboard whose MCP server is turned off', () => {
    it('does not answer agents, and says why', async () => {
      const app = await startDashboard(platform, { mcp: false });
      try {
        const response = await app.fetch('/telemetry/mcp', { method: 'POST' });
        expect([response.status, await response.text()]).toEqual([
          404,
          expect.stringContaining('dashboard.mcp'),
        ]);
        expect((await app.fetch('/telemetry/api/v1/services')).status).toBe(200);
      } finally {
        await app.stop();
      }
    });
  });
}
