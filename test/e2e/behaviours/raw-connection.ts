import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { eventually } from '../../support/eventually.js';
import { type Caller } from './running-app.js';

/** A TCP connection to an application, on which HTTP is spoken by hand: no client library, no client instrumentation. */
export class RawConnection {
  received = '';

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    // A reset is what some tests are about.
    socket.on('error', () => undefined);
  }

  static async open(port: number): Promise<RawConnection> {
    const connection = new RawConnection(connect(port, '127.0.0.1'));
    await once(connection.socket, 'connect');
    return connection;
  }

  /** Writes the head of a request, and its body if there is one. */
  send(requestLine: string, headers: Readonly<Record<string, string>> = {}, body = ''): void {
    const lines = Object.entries({ host: '127.0.0.1', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    this.socket.write([`${requestLine} HTTP/1.1`, ...lines, '', body].join('\r\n'));
  }

  /** Resolves once `text` has arrived; what arrived until then. */
  async until(text: string): Promise<string> {
    return eventually(`"${text}" on the connection`, () => this.received.includes(text) && this.received);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Sends one request and resolves to the status of its response. */
export async function requestRaw(
  port: number,
  requestLine: string,
  { caller, headers, body }: { caller?: Caller; headers?: Record<string, string>; body?: string } = {},
): Promise<number> {
  const connection = await RawConnection.open(port);
  try {
    connection.send(
      requestLine,
      { connection: 'close', ...(caller && { traceparent: caller.traceparent }), ...headers },
      body,
    );
    return Number((await connection.until('\r\n')).split(' ')[1]);
  } finally {
    connection.close();
  }
}
