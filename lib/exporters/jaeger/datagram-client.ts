import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { isError } from '../../errors/is-error.js';
import { toError } from '../export-failure.js';
import type { UdpClient } from './jaeger-package.js';

/** How long a connected socket trusts the address its host name had, in milliseconds. */
const RECONNECT_AFTER_MS = 30_000;

/**
 * How fast a burst is sent. A receiver's buffer (208 KiB on Linux) holds three large datagrams and the kernel throws
 * the others away without telling anybody: unpaced, Jaeger lost a quarter of 3,000 spans on the loopback interface.
 */
const BYTES_PER_MS = 10_000;

export interface DatagramDestination {
  readonly host: string;
  readonly port: number;
  /** What is done to each message before it is sent. */
  readonly encode: (message: Buffer) => Buffer;
}

/**
 * Sends datagrams through a connected socket: only then does the kernel tell that nobody listens there. The socket
 * never keeps the process alive.
 */
export class DatagramClient implements UdpClient {
  private readonly socket: Socket;
  private connectedAt: number | undefined;
  private nextSendAt = 0;
  /** An answer "port unreachable" that has arrived and was not reported yet. */
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
    // A refusal by a host that is not this one comes late: it counts for the datagram after the one it was about.
    const lateRefusal = this.takeRefusal();
    await this.connect(lateRefusal !== undefined);
    await this.pace(datagram.length);
    await this.sendOnce(datagram).catch(async (error: unknown) => {
      // The kernel reports an old refusal instead of sending; the second attempt is the one that counts.
      if (!isRefusal(error)) throw error;
      await this.sendOnce(datagram);
    });
    // A refusal by this host is readable in the next round of the event loop, or the one after.
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
    await new Promise<void>((resolve, reject) => {
      const { port, host } = this.destination;
      const connected = (error?: Error): void => {
        if (error === undefined) resolve();
        else reject(error);
      };
      // On failure node calls this back with the error, although its types do not say so.
      this.socket.connect(port, host, connected);
    });
    this.connectedAt = performance.now();
  }

  private sendOnce(datagram: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(datagram, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}

function isRefusal(error: unknown): boolean {
  return isError(error) && 'code' in error && error.code === 'ECONNREFUSED';
}
