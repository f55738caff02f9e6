import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { isRecord } from '../../../config/option-rules.js';
import { ProtobufReader, WIRE } from '../../../engine/encoding/protobuf-reader.js';

/** The response to one attempt. */
export type Answer =
  /** Accepted; `body` is the response, undefined if it could not be read. */
  | { readonly outcome: 'sent'; readonly body: Uint8Array | undefined; readonly contentType: string }
  | { readonly outcome: 'failed'; readonly error: Error }
  | { readonly outcome: 'retry'; readonly error: Error; readonly afterMs?: number };

/** Carries encoded OTLP requests to one address. */
export interface Transport {
  /** Makes one attempt, which ends within `timeoutMs`. Never rejects. */
  send(body: Uint8Array, timeoutMs: number): Promise<Answer>;
  /** Aborts the current attempt and closes connections; further attempts fail. */
  close(): void;
}

export interface TransportOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly compress: boolean;
  /** Certificates from the environment. */
  readonly tls: TlsOptions;
  /** Proxy of the connection. */
  readonly proxy: URL | undefined;
}

export interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Larger bodies are not read: no OTLP response has that size. */
export const MAX_ANSWER_BYTES = 1 << 20;

const gzipped = promisify(gzip);

/** The body as it is sent: compressed if the options ask for it. */
export async function toPayload(body: Uint8Array, { compress }: TransportOptions): Promise<Uint8Array> {
  return compress ? await gzipped(body) : body;
}

/** A field of a protobuf message: bytes of a string or message, or the value of a number. */
type Field = readonly [number: number, value: Uint8Array | number];

/** The items that a receiver rejected, and why. */
interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/**
 * Returns the partial success of an OTLP response. The responses of all signals have the same
 * structure; only the name of the count differs.
 *
 * @throws Error when it is not a response of OTLP
 */
export function readPartialSuccess(body: Uint8Array, contentType: string): PartialSuccess {
  return contentType.includes('json') ? readJson(body) : readProtobuf(body);
}

function readProtobuf(body: Uint8Array): PartialSuccess {
  const [partial] = bytesOf(body, 1);
  if (partial === undefined) return { rejected: 0, message: '' };
  const fields = new Map(readFields(partial));
  const [rejected, message] = [fields.get(1), fields.get(2)];
  return {
    rejected: typeof rejected === 'number' ? rejected : 0,
    message: message instanceof Uint8Array ? Buffer.from(message).toString() : '',
  };
}

function readJson(body: Uint8Array): PartialSuccess {
  const answer: unknown = JSON.parse(Buffer.from(body).toString());
  if (!isRecord(answer)) throw new Error('not an object');
  const { partialSuccess } = answer;
  if (!isRecord(partialSuccess)) return { rejected: 0, message: '' };
  const { rejectedSpans, rejectedLogRecords, rejectedDataPoints, errorMessage } = partialSuccess;
  // In JSON, a 64-bit integer is a string.
  const rejected = Number(rejectedSpans ?? rejectedLogRecords ?? rejectedDataPoints ?? 0);
  return {
    rejected: Number.isFinite(rejected) ? rejected : 0,
    message: typeof errorMessage === 'string' ? errorMessage : '',
  };
}

/** The message of an encoded `google.rpc.Status`; empty when there is none. */
export function readStatusMessage(status: Uint8Array): string {
  try {
    const [message] = bytesOf(status, 2);
    return message === undefined ? '' : Buffer.from(message).toString();
  } catch {
    // The code is reported as well.
    return '';
  }
}

/** The retry delay of an encoded `google.rpc.Status`, in ms; undefined when it has none. */
export function readRetryDelay(status: Uint8Array): number | undefined {
  try {
    for (const detail of bytesOf(status, 3)) {
      const [type, value] = [bytesOf(detail, 1)[0], bytesOf(detail, 2)[0]];
      if (type === undefined || !Buffer.from(type).toString().endsWith('google.rpc.RetryInfo')) continue;
      const [duration] = value === undefined ? [] : bytesOf(value, 1);
      const fields = new Map(duration === undefined ? [] : readFields(duration));
      const [seconds, nanos] = [fields.get(1) ?? 0, fields.get(2) ?? 0];
      return typeof seconds === 'number' && typeof nanos === 'number' ? seconds * 1_000 + nanos / 1e6 : 0;
    }
  } catch {
    // Malformed details are ignored.
  }
  return undefined;
}

/** The numbers, strings and messages of a protobuf message. */
function* readFields(message: Uint8Array): Generator<Field> {
  const reader = new ProtobufReader(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    const wire = tag % 8;
    const number = (tag - wire) / 8;
    if (wire === WIRE.varint) yield [number, Number(reader.varint())];
    else if (wire === WIRE.bytes) yield [number, reader.slice()];
    else reader.skip(wire);
  }
}

function bytesOf(message: Uint8Array, wanted: number): Uint8Array[] {
  return [...readFields(message)].flatMap(([number, value]) =>
    number === wanted && typeof value !== 'number' ? [value] : [],
  );
}
