import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

import { hosts } from '../settings/addresses.js';

interface LlmServerOptions {
  readonly port: number;
  /** Share of the answers that are slow, 0 to 1; env `SLOW_SHARE`. */
  readonly slowShare: number;
  /** Share of the calls that fail, 0 to 1; env `FAIL_SHARE`. */
  readonly failShare: number;
}

const USUAL_MS = 80;
const SLOW_MS = 1_500;

/**
 * A stand-in for somebody else's language model: `POST /generate` answers, sometimes slowly, sometimes not at all. Which call is hit is
 * counted, not drawn, so that a run can be repeated; `simulate` in the body decides for one call.
 */
export async function startLlmServer(
  options: LlmServerOptions,
): Promise<{ url: string; stop(): Promise<void> }> {
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    generate(request, response, options, calls).catch((error: unknown) => {
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: String(error) }));
    });
  });
  server.listen(options.port, hosts.embedded());
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function generate(
  request: IncomingMessage,
  response: ServerResponse,
  { slowShare, failShare }: LlmServerOptions,
  call: number,
): Promise<void> {
  const { prompt, simulate } = (await json(request)) as { prompt: string; simulate?: string };
  const fails = simulate === undefined ? isHit(call, failShare) : simulate === 'fail';
  const isSlow = simulate === undefined ? isHit(call, slowShare) : simulate === 'slow';
  await pause(isSlow ? SLOW_MS : USUAL_MS);
  response.writeHead(fails ? 503 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(fails ? { error: 'overloaded' } : { completion: `You said: ${prompt}` }));
}

/** Whether the share of calls that are hit grows with this call: every tenth for 0.1, the tenth being the first. */
function isHit(call: number, share: number): boolean {
  return Math.floor(call * share) > Math.floor((call - 1) * share);
}
