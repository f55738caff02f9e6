import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';

import { badRequest, DashboardError } from './dashboard-error.js';
import { type HttpRequest } from './http-exchange.interface.js';

/**
 * The body of a request, unpacked.
 *
 * @param maxBytes how long it may be, packed and unpacked
 * @throws DashboardError 413 when it is longer, 415 for a packing that is not known, 400 when it cannot be unpacked
 */
export async function readBody(request: HttpRequest, maxBytes: number): Promise<Buffer> {
  const packed = await collect(request, maxBytes);
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
 * What the body says as JSON.
 *
 * @throws DashboardError 415 when it is not said to be JSON, 400 when it is none, and what `readBody()` throws
 */
export async function readJson(request: HttpRequest, maxBytes: number): Promise<unknown> {
  // A form of another page cannot send this type without asking first.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new DashboardError(415, 'Send the body as application/json.');
  return parseJson(await readBody(request, maxBytes));
}

/** @throws DashboardError 400 */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw badRequest(`The body is no JSON: ${(error as Error).message}.`);
  }
}

async function collect(request: HttpRequest, maxBytes: number): Promise<Buffer> {
  if (request.readableEnded === true) return readAlready(request.body, maxBytes);
  if (Number(request.headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
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
