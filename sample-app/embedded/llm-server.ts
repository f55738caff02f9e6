import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

import { hasFault } from '../service-host/fault.js';
import { hosts } from '../settings/addresses.js';

interface LlmServerOptions {
  readonly port: number;
  /** Share of the answers that are slow, 0 to 1; env `SLOW_SHARE`. */
  readonly slowShare: number;
  /** Share of the calls that fail, 0 to 1; env `FAIL_SHARE`. */
  readonly failShare: number;
}

/** What is read of a request of OpenAI's API. */
interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
  readonly metadata?: { readonly simulate?: string };
}

const USUAL_MS = 80;
const SLOW_MS = 1_500;

/**
 * A stand-in for a language model: it answers `POST /v1/chat/completions` as OpenAI's API does, sometimes slowly, sometimes with
 * an error. Calls are counted to decide which, so a run can be repeated; `metadata.simulate` in the body decides for one call.
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
  const { model, messages, metadata } = (await json(request)) as ChatRequest;
  const simulate = metadata?.simulate;
  const fails = simulate === undefined ? isHit(call, failShare) : simulate === 'fail';
  const isSlow =
    hasFault('slow-llm') || (simulate === undefined ? isHit(call, slowShare) : simulate === 'slow');
  await pause(isSlow ? SLOW_MS : USUAL_MS);
  response.writeHead(fails ? 503 : 200, { 'content-type': 'application/json' });
  const prompt = messages.at(-1)?.content ?? '';
  const message = { role: 'assistant', content: `You said: ${prompt}` };
  const completion = {
    id: `chatcmpl-${call}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1_000),
    model,
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: usageOf(prompt, message.content),
  };
  response.end(JSON.stringify(fails ? { error: { message: 'overloaded' } } : completion));
}

/** About four characters are a token. */
function usageOf(prompt: string, answer: string): object {
  const [input, output] = [Math.ceil(prompt.length / 4), Math.ceil(answer.length / 4)];
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

/** Whether the share of calls that are hit grows with this call: every tenth for 0.1, the tenth being the first. */
function isHit(call: number, share: number): boolean {
  return Math.floor(call * share) > Math.floor((call - 1) * share);
}
