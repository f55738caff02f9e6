import { crc32 } from 'node:zlib';

import { type UnsentRequest } from './unsent-requests.js';

const FORMAT = 'nestjs-telemetry-spool/1';
const PROTOCOLS: ReadonlySet<unknown> = new Set(['grpc', 'http/protobuf', 'http/json']);

interface RequestHeader extends Omit<UnsentRequest, 'body'> {
  readonly bytes: number;
}

interface SpoolHeader {
  readonly format: typeof FORMAT;
  readonly service: string;
  /** CRC-32 of the bodies. */
  readonly checksum: number;
  readonly requests: readonly RequestHeader[];
}

/** One line of JSON that says what follows, and the bodies one after the other. No header of a request is written: they hold credentials. */
export function encodeSpoolFile(service: string, requests: readonly UnsentRequest[]): Buffer {
  const bodies = Buffer.concat(requests.map(({ body }) => body));
  const header: SpoolHeader = {
    format: FORMAT,
    service,
    checksum: crc32(bodies),
    requests: requests.map(({ signal, protocol, url, count, body }) => ({
      signal,
      protocol,
      url,
      count,
      bytes: body.byteLength,
    })),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bodies]);
}

/**
 * The requests in a file.
 *
 * @throws Error when it is damaged, of another service, or no spool file at all
 */
export function decodeSpoolFile(service: string, file: Buffer): UnsentRequest[] {
  const end = file.indexOf(0x0a);
  const header: unknown = JSON.parse(file.subarray(0, Math.max(end, 0)).toString());
  if (!isHeader(header)) throw new Error('it is no spool file of this version');
  if (header.service !== service) throw new Error('it is of another service');
  const bodies = file.subarray(end + 1);
  const total = header.requests.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total !== bodies.length || crc32(bodies) !== header.checksum) throw new Error('it is damaged');
  let at = 0;
  return header.requests.map(({ bytes, ...request }) => {
    const body = bodies.subarray(at, at + bytes);
    at += bytes;
    return { ...request, body };
  });
}

function isHeader(value: unknown): value is SpoolHeader {
  if (typeof value !== 'object' || value === null) return false;
  const { format, service, checksum, requests } = value as Partial<SpoolHeader>;
  return (
    format === FORMAT &&
    typeof service === 'string' &&
    typeof checksum === 'number' &&
    Array.isArray(requests) &&
    requests.every(isRequestHeader)
  );
}

function isRequestHeader(value: unknown): value is RequestHeader {
  if (typeof value !== 'object' || value === null) return false;
  const { signal, protocol, url, count, bytes } = value as Partial<RequestHeader>;
  return (
    (signal === 'traces' || signal === 'logs') &&
    PROTOCOLS.has(protocol) &&
    typeof url === 'string' &&
    Number.isSafeInteger(count) &&
    Number.isSafeInteger(bytes) &&
    Number(bytes) >= 0
  );
}
