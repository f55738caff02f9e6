import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { callTool } from '../dashboard/mcp/mcp-client.js';
import { cleanUp, newFolder, openTestStore } from '../dashboard/sqlite/open-test-store.js';
import { spanOf } from '../dashboard/sqlite/sample-rows.js';

const command = join(__dirname, '../../dist/esm/cli/main.js');
const root = join(__dirname, '../..');

describe('nestjs-telemetry mcp, for a coding agent that starts it', () => {
  afterEach(cleanUp);

  it('answers the tools from the file of an application, by the client of the SDK, and ends with it', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    store.addSpan(spanOf({ name: 'GET /orders' }));
    await store.flush();
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [command, 'mcp', '--file', file],
      cwd: root,
      stderr: 'pipe',
    });
    await client.connect(transport);
    const { pid } = transport;
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('search_traces');
    expect((await callTool(client, 'search_traces')).text).toContain('GET /orders');
    await client.close();
    expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
  });

  it.each([
    [['--file', 'none.db'], 1, /There is no store at \S+none\.db/],
    [['--fil', 'x'], 2, /Unknown option '--fil'.*\n.*nestjs-telemetry mcp --help/],
  ])('ends with a reason on standard error for %j', async (args, code, reason) => {
    const child = spawn(process.execPath, [command, 'mcp', ...args], { cwd: newFolder() });
    let printed = '';
    let answered = '';
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => (answered += chunk.toString()));
    await once(child, 'close');
    expect(child.exitCode).toBe(code);
    expect(printed).toMatch(reason);
    // Standard output belongs to the protocol.
    expect(answered).toBe('');
  });
});
