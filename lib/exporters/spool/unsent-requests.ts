import { crc32 } from 'node:zlib';

import { isRecord } from '../../config/option-rules.js';
import type { OtlpTarget } from '../../config/otlp.js';
import type { BatchedSignal } from '../sending/batcher.js';

/** An unsent request, encoded. */
export interface UnsentRequest extends Pick<OtlpTarget, 'protocol' | 'url'> {
  readonly signal: BatchedSignal;
  /** Number of items. */
  readonly count: number;
  readonly body: Uint8Array;
}

type TakeUnsent = () => readonly UnsentRequest[];

const sources = new Set<TakeUnsent>();

/** Registers a synchronous function that removes and returns the unsent requests of a queue. */
export function onUnsentRequests(take: TakeUnsent): void {
  sources.add(take);
}

/** Removes and returns the unsent requests of all queues, including those that are being sent. */
export function takeUnsentRequests(): UnsentRequest[] {
  return [...sources].flatMap((take) => {
    try {
      return [...take()];
    } catch {
      // An item that cannot be encoded must not prevent the other queues from being saved.
      return [];
    }
  });
}

/** Removes the queues of a runtime that has stopped. */
export function forgetUnsentRequests(): void {
  sources.clear();
}

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

/** One line of JSON that describes the requests, without headers (credentials), and the bodies. */
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
 * Returns the requests in a file.
 *
 * @throws Error when it is damaged, belongs to another service, or is not a spool file
 */
export function decodeSpoolFile(service: string, file: Buffer): UnsentRequest[] {
  const end = file.indexOf(0x0a);
  const header: unknown = JSON.parse(file.subarray(0, Math.max(end, 0)).toString());
  if (!isHeader(header)) throw new Error('it is not a spool file of this version');
  if (header.service !== service) throw new Error('it belongs to another service');
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
  if (!isRecord(value)) return false;
  const { format, service, checksum, requests } = value;
  return (
    format === FORMAT &&
    typeof service === 'string' &&
    typeof checksum === 'number' &&
    Array.isArray(requests) &&
    requests.every(isRequestHeader)
  );
}

function isRequestHeader(value: unknown): value is RequestHeader {
  if (!isRecord(value)) return false;
  const { signal, protocol, url, count, bytes } = value;
  return (
    (signal === 'traces' || signal === 'logs') &&
    PROTOCOLS.has(protocol) &&
    typeof url === 'string' &&
    Number.isSafeInteger(count) &&
    Number.isSafeInteger(bytes) &&
    Number(bytes) >= 0
  );
}
