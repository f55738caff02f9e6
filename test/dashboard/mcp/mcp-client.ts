import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** A client as an agent has it, at the MCP server of a dashboard. */
export async function connectMcp(
  port: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const url = new URL(`http://127.0.0.1:${port}/telemetry/mcp`);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  return client;
}

/** Text of the answer of a tool. */
export async function callTool(
  client: Client,
  name: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly text: string; readonly isError: boolean }> {
  const { content, isError = false } = await client.callTool({ name, arguments: given });
  const [first] = content;
  if (first?.type !== 'text' || content.length !== 1) throw new Error('not one text');
  return { text: first.text, isError };
}
