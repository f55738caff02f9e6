import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

import { describeError, errorTypeOf, ExportError, toError } from '../../export-failure.js';
import { parseRetryAfter, shutdownError } from '../../sending/sender.js';
import { openTunnel, portOf, requestProxy } from './proxy.js';
import {
  type Answer,
  MAX_ANSWER_BYTES,
  readStatusMessage,
  toPayload,
  type Transport,
  type TransportOptions,
} from './transport.js';

/** The specification's list of retryable statuses. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const MAX_MESSAGE_LENGTH = 300;

/** Sends OTLP over HTTP/1.1. Connections are kept and reused. */
export class HttpTransport implements Transport {
  private readonly agent: Agent;
  private current: ClientRequest | undefined;
  private closed = false;

  constructor(
    private readonly options: TransportOptions,
    private readonly contentType: string,
  ) {
    this.agent = createAgent(options);
  }

  async send(body: Uint8Array, timeoutMs: number): Promise<Answer> {
    const deadline = performance.now() + timeoutMs;
    try {
      const payload = await toPayload(body, this.options);
      const first = await this.attempt(payload, timeoutMs);
      if (first !== 'stale') return first;
      // The receiver closed a kept-alive connection, and has not read the request.
      const second = await this.attempt(payload, Math.max(deadline - performance.now(), 1));
      return second === 'stale' ? retry(new ExportError('the connection was closed', 'ECONNRESET')) : second;
    } catch (error) {
      // For example, a header that HTTP does not allow: a retry would fail as well.
      return { outcome: 'failed', error: toError(error) };
    }
  }

  close(): void {
    this.closed = true;
    this.current?.destroy(shutdownError());
    this.agent.destroy();
  }

  private async attempt(payload: Uint8Array, timeoutMs: number): Promise<Answer | 'stale'> {
    if (this.closed) return retry(shutdownError());
    const request = this.open(payload.byteLength);
    this.current = request;
    return await new Promise((resolve) => {
      let answering = false;
      // Destroying the request closes its connection, so that the next attempt opens a new one.
      const timer = setTimeout(() => {
        request.destroy(new ExportError(`no answer within ${timeoutMs.toFixed(0)} ms`, 'timeout'));
      }, timeoutMs);
      const finish = (answer: Answer | 'stale'): void => {
        clearTimeout(timer);
        this.current = undefined;
        resolve(answer);
      };
      request.on('error', (error: NodeJS.ErrnoException) => {
        const stale =
          request.reusedSocket && !answering && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        finish(stale ? 'stale' : retry(connectionError(error)));
      });
      request.once('response', (response) => {
        answering = true;
        readAnswer(response).then(finish, (error: unknown) => {
          finish(retry(connectionError(error)));
        });
      });
      request.end(payload);
    });
  }

  private open(length: number): ClientRequest {
    const { url, headers, compress, proxy } = this.options;
    const options = {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': this.contentType,
        'content-length': length,
        'user-agent': 'nestjs-telemetry',
        ...(compress && { 'content-encoding': 'gzip' }),
      },
      agent: this.agent,
    };
    if (url.protocol === 'https:') return httpsRequest(url, options);
    if (proxy === undefined) return httpRequest(url, options);
    // The request to a proxy of plain HTTP contains the whole URL.
    return requestProxy(proxy, { host: url.host, ...options.headers }, { ...options, path: url.href });
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const { statusCode = 0, statusMessage = '', headers } = response;
  const body = await readBody(response);
  const contentType = headers['content-type'] ?? '';
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'sent', body, contentType };
  const location = statusCode >= 300 && statusCode < 400 ? (headers.location ?? '') : '';
  const details = location === '' ? readMessage(body, contentType) : `to ${location}`;
  const message = `HTTP ${statusCode} ${statusMessage}${details === '' ? '' : `: ${details}`}`.trimEnd();
  const error = new ExportError(message, String(statusCode));
  if (!RETRYABLE.has(statusCode)) return { outcome: 'failed', error };
  return retry(error, parseRetryAfter(headers['retry-after']));
}

/** Returns the whole body, or undefined if it is too large for an OTLP response. */
async function readBody(response: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop destroys the response and its connection.
    if (length > MAX_ANSWER_BYTES) return undefined;
    chunks.push(chunk);
  }
  if (!response.complete) throw new ExportError('the answer was cut off', 'ECONNRESET');
  return Buffer.concat(chunks);
}

/** The message of an error response: a `google.rpc.Status` in either encoding, or text. */
function readMessage(body: Buffer | undefined, contentType: string): string {
  if (body === undefined || body.length === 0) return '';
  let message = '';
  if (contentType.startsWith('text/plain')) message = body.toString();
  else if (contentType.startsWith('application/x-protobuf')) message = readStatusMessage(body);
  else if (contentType.startsWith('application/json')) {
    try {
      const parsed: unknown = JSON.parse(body.toString());
      const text = typeof parsed === 'object' && parsed !== null && 'message' in parsed ? parsed.message : '';
      message = typeof text === 'string' ? text : '';
    } catch {
      // The status is reported as well.
    }
  }
  return message.trim().replace(/\s+/g, ' ').slice(0, MAX_MESSAGE_LENGTH);
}

function createAgent({ url, tls, proxy }: TransportOptions): Agent {
  const keep = { keepAlive: true, maxSockets: 2 };
  if (url.protocol !== 'https:') return proxy?.protocol === 'https:' ? new HttpsAgent(keep) : new Agent(keep);
  const agent = new HttpsAgent({ ...keep, ...tls });
  if (proxy !== undefined) connectThrough(agent, url, proxy);
  return agent;
}

const TUNNEL_TIMEOUT_MS = 10_000;

function connectThrough(agent: HttpsAgent, url: URL, proxy: URL): void {
  const target = `${url.hostname}:${portOf(url)}`;
  const createConnection = (
    options: ConnectionOptions,
    done?: (error: Error | null, socket: Duplex) => void,
  ): undefined => {
    openTunnel(proxy, target, TUNNEL_TIMEOUT_MS).then(
      (socket) => {
        done?.(null, connectTls({ ...options, socket }));
      },
      (error: unknown) => {
        done?.(toError(error), undefined as never); // Node reads no socket beside an error
      },
    );
  };
  Object.assign(agent, { createConnection });
}

function connectionError(error: unknown): Error {
  return error instanceof ExportError ? error : new ExportError(describeError(error), errorTypeOf(error));
}

function retry(error: Error, afterMs?: number): Answer {
  return { outcome: 'retry', error, ...(afterMs !== undefined && { afterMs }) };
}
