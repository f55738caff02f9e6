import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';

const METHODS_WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The path of a URL as it was asked for, without the query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** Whether the connection, or what stands for it in HTTP/2, is encrypted. */
export function schemeOf({ headers, socket }: IncomingMessage): 'http' | 'https' {
  const scheme = headers[':scheme'];
  if (scheme !== undefined) return scheme === 'https' ? 'https' : 'http';
  return isEncrypted(socket) ? 'https' : 'http';
}

/** Which server was asked: the `Host` header, or what HTTP/2 has for it. */
export function hostOf({ headers }: IncomingMessage): string | undefined {
  if (headers.host !== undefined) return headers.host;
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : undefined;
}

/** Who is at the other end of the connection; undefined when it is gone. */
export function peerOf(request: IncomingMessage): string | undefined {
  const socket = request.socket as Socket | null | undefined;
  return socket?.remoteAddress;
}

/** Whether bytes of a body may follow the headers. */
export function mayHaveBody(request: IncomingMessage): boolean {
  if (METHODS_WITHOUT_BODY.has(request.method ?? '')) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0') || request.httpVersionMajor === 2;
}

/** Bytes of a number in a header; undefined where there is none. */
export function readLength(header: unknown): number | undefined {
  if (header === undefined || header === null) return undefined;
  const length = Number(header);
  return Number.isInteger(length) && length >= 0 ? length : undefined;
}

/** Whether the client asked for server-sent events, which end when it goes away. */
export function wantsEvents({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('text/event-stream') === true;
}

function isEncrypted(socket: Socket | null | undefined): boolean {
  return socket !== null && socket !== undefined && 'encrypted' in socket && socket.encrypted === true;
}
