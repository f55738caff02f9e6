import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';

import { badRequest, DashboardError } from './dashboard-error.js';
import { type HttpRequest } from './http-exchange.interface.js';

/** A client that sends nothing for so long, or is not done after so long, is given up. */
const IDLE_MS = 10_000;
const WHOLE_MS = 60_000;

/** How long a client may take to send a body, in milliseconds. */
export interface BodyTimes {
  readonly idleMs: number;
  readonly wholeMs: number;
}

/** Bounds what the bodies of several requests take together. */
export class BodyQuota {
  private held = 0;

  constructor(private readonly maxBytes: number) {}

  /** @throws DashboardError 503 when there is no room */
  take(bytes: number): void {
    this.held += bytes;
    if (this.held <= this.maxBytes) return;
    throw new DashboardError(503, 'Too many requests are being read. Try again.', { 'retry-after': '1' });
  }

  give(bytes: number): void {
    this.held -= bytes;
  }
}

/** What a body is read with, beside its bound. */
interface BodyOptions {
  readonly times?: BodyTimes | undefined;
  /** Called with the length of each part that comes; what it throws ends the reading. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * The body of a request, unpacked.
 *
 * @param maxBytes how long it may be, packed and unpacked
 * @throws DashboardError 413 when it is longer, 408 when it does not come in time, 415 for a packing that is not known, 400 when it
 * cannot be unpacked
 */
export async function readBody(
  request: HttpRequest,
  maxBytes: number,
  options: BodyOptions = {},
): Promise<Buffer> {
  return unpack(await readPackedBody(request, maxBytes, options), request, maxBytes);
}

/** @throws DashboardError as `readBody()` does */
export async function unpack(packed: Buffer, request: HttpRequest, maxBytes: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding']?.toLowerCase().trim() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return packed;
  if (encoding !== 'gzip' && encoding !== 'deflate')
    throw new DashboardError(
      415,
      `Content-Encoding ${JSON.stringify(encoding)} is not known: send gzip, deflate or none.`,
    );
  try {
    return await promisify(encoding === 'gzip' ? gunzip : inflate)(packed, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw badRequest(`The body is not ${encoding}: ${(error as Error).message}.`);
  }
}

/**
 * What the body says as JSON; for short ones.
 *
 * @throws DashboardError 400 when it is none, and what `readJsonBody()` throws
 */
export async function readJson(request: HttpRequest, maxBytes: number): Promise<unknown> {
  return parseJson(await readJsonBody(request, maxBytes));
}

/**
 * A body that is said to be JSON.
 *
 * @throws DashboardError 415 when it is not, and what `readBody()` throws
 */
export async function readJsonBody(request: HttpRequest, maxBytes: number): Promise<Buffer> {
  // A form of another page cannot send this type without asking first.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new DashboardError(415, 'Send the body as application/json.');
  return readBody(request, maxBytes);
}

/** @throws DashboardError 400 */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw badRequest(`The body is no JSON: ${(error as Error).message}.`);
  }
}

/** The body of a request as it came. @throws DashboardError as `readBody()` does */
export async function readPackedBody(
  request: HttpRequest,
  maxBytes: number,
  options: BodyOptions = {},
): Promise<Buffer> {
  if (request.readableEnded === true) return readAlready(request.body, maxBytes);
  if (Number(request.headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
  const { times = { idleMs: IDLE_MS, wholeMs: WHOLE_MS }, onBytes } = options;
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise<Buffer>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      idle.refresh();
      try {
        if (length > maxBytes) throw tooLarge(maxBytes);
        onBytes?.(chunk.length);
      } catch (error) {
        onError(error as Error);
      }
    };
    const onEnd = (): void => {
      settle();
      resolve(Buffer.concat(chunks, length));
    };
    const onError = (error: Error): void => {
      settle();
      // The rest is not read; the request stays, so that it can be answered.
      request.pause();
      reject(
        error instanceof DashboardError ? error : badRequest(`The body did not come: ${error.message}.`),
      );
    };
    const onClose = (): void => {
      onError(badRequest('The connection was closed before the body had come.'));
    };
    const giveUp = (): void => {
      onError(new DashboardError(408, 'The body did not come in time.'));
    };
    const idle = setTimeout(giveUp, times.idleMs).unref();
    const whole = setTimeout(giveUp, times.wholeMs).unref();
    const settle = (): void => {
      clearTimeout(idle);
      clearTimeout(whole);
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      // A connection that breaks later must not end the process.
      request.on('error', () => undefined);
    };
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** An Express application of the user's own may have a parser before us. */
function readAlready(body: unknown, maxBytes: number): Buffer {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? null));
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

function tooLarge(maxBytes: number): DashboardError {
  return new DashboardError(413, `The body is longer than ${maxBytes} bytes.`);
}
