import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { codeOf, toError } from '../export-failure.js';
import type { UdpClient } from './jaeger-package.js';

/** After this time in milliseconds, the host name is resolved again. */
const RECONNECT_AFTER_MS = 30_000;

/**
 * Limits the speed of a burst. A receiver's buffer (208 KiB on Linux) holds three large datagrams,
 * and the kernel silently drops the others: without the limit, Jaeger lost a quarter of 3,000 spans
 * on the loopback interface.
 */
const BYTES_PER_MS = 10_000;

export interface DatagramDestination {
  readonly host: string;
  readonly port: number;
  /** Converts each message before it is sent. */
  readonly encode: (message: Buffer) => Buffer;
}

/**
 * Sends datagrams through a connected socket: only for such a socket does the kernel report a port
 * without a listener. It never keeps the process alive.
 */
export class DatagramClient implements UdpClient {
  private readonly socket: Socket;
  private connectedAt: number | undefined;
  private nextSendAt = 0;
  /** A received "port unreachable" that was not reported yet. */
  private refusal: Error | undefined;

  constructor(private readonly destination: DatagramDestination) {
    this.socket = createSocket(isIPv6(destination.host) ? 'udp6' : 'udp4');
    this.socket.unref();
    this.socket.on('error', (error) => {
      this.refusal = isRefusal(error) ? new Error('nothing listens on that port (ECONNREFUSED)') : error;
    });
  }

  send(
    message: Buffer,
    offset: number,
    length: number,
    _port: number,
    _host: string,
    callback: (error: Error | null, bytes: number) => void,
  ): void {
    this.deliver(message.subarray(offset, offset + length)).then(
      () => {
        callback(null, length);
      },
      (error: unknown) => {
        callback(toError(error), 0);
      },
    );
  }

  close(): void {
    this.socket.close();
  }

  private async deliver(message: Buffer): Promise<void> {
    const datagram = this.destination.encode(message);
    // A refusal by another host arrives late: it is counted for the next datagram.
    const lateRefusal = this.takeRefusal();
    await this.connect(lateRefusal !== undefined);
    await this.pace(datagram.length);
    await this.sendOnce(datagram).catch(async (error: unknown) => {
      // The kernel reports an old refusal instead of sending; the second attempt counts.
      if (!isRefusal(error)) throw error;
      await this.sendOnce(datagram);
    });
    // A refusal by this host arrives within two rounds of the event loop.
    await setImmediate();
    await setImmediate();
    const refusal = this.takeRefusal() ?? lateRefusal;
    if (refusal !== undefined) throw refusal;
  }

  private async pace(bytes: number): Promise<void> {
    const wait = this.nextSendAt - performance.now();
    if (wait > 0) await setTimeout(wait);
    this.nextSendAt = performance.now() + bytes / BYTES_PER_MS;
  }

  private takeRefusal(): Error | undefined {
    const { refusal } = this;
    this.refusal = undefined;
    return refusal;
  }

  private async connect(again: boolean): Promise<void> {
    if (this.connectedAt !== undefined) {
      if (!again && performance.now() - this.connectedAt < RECONNECT_AFTER_MS) return;
      this.socket.disconnect();
      this.connectedAt = undefined;
    }
    const { port, host } = this.destination;
    // On failure Node passes the error to this callback, although its types have no parameter.
    await settled((done) => {
      this.socket.connect(port, host, done);
    });
    this.connectedAt = performance.now();
  }

  private sendOnce(datagram: Buffer): Promise<void> {
    return settled((done) => {
      this.socket.send(datagram, done);
    });
  }
}

/** Waits for the callback of a call. */
function settled(call: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function isRefusal(error: unknown): boolean {
  return codeOf(error) === 'ECONNREFUSED';
}
