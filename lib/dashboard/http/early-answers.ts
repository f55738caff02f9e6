import { constants } from 'node:http2';
import { type Socket } from 'node:net';

import { type DashboardError } from './dashboard-error.js';
import { type HttpRequest, type HttpResponse } from './http-exchange.interface.js';
import { sendError, writeErrorHead } from './respond.js';

/** The rest of a body is read and dropped until none has come for so long, in milliseconds, and at most for so long. */
const IDLE_MS = 2_000;
const WHOLE_MS = 10_000;
const LINGER_BYTES = 64 * 1_024 * 1_024;

/**
 * Answers requests that failed, some of them before their body has arrived. The connection of such a request is
 * closed in stages, as RFC 9112 (9.6) asks for: first our side; the other one when the client has ended its body
 * or left, or after a while. Closed with unread bytes it would be reset, and a client that is still sending would
 * lose the answer. Over HTTP/2 it is the stream that is closed: its unread bytes would block the whole session.
 */
export class EarlyAnswers {
  /** Each ends the dropping of one body. */
  private readonly dropping = new Set<() => void>();
  private closed = false;

  sendError(request: HttpRequest, response: HttpResponse, error: DashboardError): void {
    const { stream } = response;
    if (request.complete !== false || request.method === 'HEAD') sendError(response, error);
    else if (stream !== undefined)
      response.end(writeErrorHead(response, error), () => {
        this.dropRest(request, response, () => {
          stream.close(constants.NGHTTP2_NO_ERROR);
        });
      });
    else
      response.write(writeErrorHead(response, error, { connection: 'close' }), () => {
        // Over HTTP/1.1 it is the socket itself.
        const socket = request.socket as Socket;
        socket.end();
        this.dropRest(request, response, () => {
          socket.destroy();
        });
      });
  }

  /** Closes connections whose rest is being read, so that the server can close. */
  close(): void {
    this.closed = true;
    for (const end of this.dropping) end();
  }

  /** Reads and drops the rest of a body until it ends, the client leaves or a bound is reached; then calls `close`. */
  private dropRest(request: HttpRequest, response: HttpResponse, close: () => void): void {
    const end = (): void => {
      clearTimeout(idle);
      clearTimeout(whole);
      this.dropping.delete(end);
      close();
    };
    const idle = setTimeout(end, IDLE_MS).unref();
    const whole = setTimeout(end, WHOLE_MS).unref();
    if (this.closed || response.destroyed === true) {
      end();
      return;
    }
    this.dropping.add(end);
    response.once('close', end);
    let left = LINGER_BYTES;
    request
      .on('data', (chunk: Buffer) => {
        left -= chunk.length;
        idle.refresh();
        // The client has time to read its answer, and waits with the rest.
        if (left < 0) request.pause();
      })
      .once('end', end)
      .resume();
  }
}
