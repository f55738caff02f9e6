import { type DashboardContext } from '../dashboard-context.interface.js';
import { type HttpRequest, type HttpResponse } from '../http/http-exchange.interface.js';
import { readJsonBody } from '../http/read-body.js';
import { SECURITY_HEADERS } from '../http/respond.js';
import { prepareMcpServers } from './create-mcp-server.js';
import { loadMcpSdk, type McpSdk } from './mcp-package.js';

/** Longest request: calls of these tools are short. */
const MAX_BODY = 64 * 1_024;
/** Headers that the protocol knows; the token is none of its business. */
const PASSED = /^(?:accept|content-type|last-event-id|mcp-.+)$/;

/** MCP over stateless Streamable HTTP: each request gets a new server. Access is checked before. */
export class McpEndpoint {
  private readonly handler: ReturnType<McpSdk['createMcpHandler']>;

  /** @throws DashboardError 501 where the SDK is not installed */
  constructor(context: DashboardContext) {
    const sdk = loadMcpSdk();
    // Nothing ever changes that a client could wait for.
    const options = { maxSubscriptions: 0, maxRequestBodySize: MAX_BODY };
    this.handler = sdk.createMcpHandler(prepareMcpServers(sdk, context), options);
  }

  /** @throws DashboardError 413, 415 and the like for bodies that cannot be read */
  async answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    const { method = 'GET' } = request;
    const body = method === 'POST' ? await readJsonBody(request, MAX_BODY) : undefined;
    const left = new AbortController();
    const leave = (): void => {
      left.abort();
    };
    response.on('close', leave).on('error', leave);
    const answer = await this.handler.fetch(
      new Request('http://dashboard/mcp', {
        method,
        headers: passedHeaders(request),
        signal: left.signal,
        ...(body !== undefined && { body: new Uint8Array(body) }),
      }),
    );
    if (response.destroyed === true) return;
    response.writeHead(answer.status, {
      ...SECURITY_HEADERS,
      'cache-control': 'no-store',
      ...Object.fromEntries(answer.headers),
    });
    // Its type does not say that a body is bytes.
    for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
      // The client has left: the rest is taken from the SDK, so that its exchange ends.
      if (!left.signal.aborted) response.write(chunk);
    }
    response.end();
  }

  /** Ends what is being answered. */
  close(): void {
    void this.handler.close();
  }
}

function passedHeaders({ headers }: HttpRequest): Headers {
  const passed = new Headers();
  for (const [name, value] of Object.entries(headers))
    if (typeof value === 'string' && PASSED.test(name)) passed.set(name, value);
  return passed;
}
