import type { HrTime } from '@opentelemetry/api';

import { type SpanId, type TraceId, wordAt } from '../local-span.js';
import type { SpanView } from '../span-view.js';
import type { ByteWriter } from './byte-writer.js';

/** Puts the 16 bytes of a trace id there. `| 0` lets V8 skip the conversion, since they are 32-bit numbers already. */
export function putTraceId(data: DataView, at: number, { a, b, c, d }: TraceId): void {
  data.setInt32(at, a | 0);
  data.setInt32(at + 4, b | 0);
  data.setInt32(at + 8, c | 0);
  data.setInt32(at + 12, d | 0);
}

/** Puts the 8 bytes of a span's id there; its text need not exist. */
export function putSpanId(data: DataView, at: number, { idHigh, idLow }: SpanId): void {
  data.setInt32(at, idHigh | 0);
  data.setInt32(at + 4, idLow | 0);
}

/** Puts 8 bytes of 16 hexadecimal digits there. */
function putSpanIdText(data: DataView, at: number, text: string): void {
  data.setInt32(at, wordAt(text, 0));
  data.setInt32(at + 4, wordAt(text, 8));
}

/** 16 bytes of 32 hexadecimal digits. */
export function encodeTraceIdText(writer: ByteWriter, tag: number, text: string): void {
  writer.byte(tag);
  writer.byte(16);
  const at = writer.claim(16);
  for (let start = 0; start < 16; start += 4) writer.data.setInt32(at + start, wordAt(text, start * 2));
}

/** 8 bytes of 16 hexadecimal digits. */
export function encodeSpanIdText(writer: ByteWriter, tag: number, text: string): void {
  writer.byte(tag);
  writer.byte(8);
  const at = writer.claim(8);
  putSpanIdText(writer.data, at, text);
}

const TWO_POW_32 = 0x1_0000_0000;

/** The second that was written last, in nanoseconds since the epoch as two words: nearly all instants share it. */
let knownSecond = -1;
let knownHigh = 0;
let knownLow = 0;

/** Puts an instant of a span's clock there, as `fixed64` nanoseconds since the epoch. */
export function putInstant(data: DataView, at: number, clock: SpanView['clock'], instant: number): void {
  const whole = Math.floor(instant);
  const milliseconds = clock.anchorMs + whole;
  const second = Math.floor(milliseconds / 1_000);
  const nanos = (milliseconds - second * 1_000) * 1_000_000 + Math.round((instant - whole) * 1_000_000);
  putNanoseconds(data, at, second, nanos);
}

/** Puts milliseconds since the epoch there, as `fixed64` nanoseconds. */
export function putEpochMilliseconds(data: DataView, at: number, milliseconds: number): void {
  const second = Math.floor(milliseconds / 1_000);
  putNanoseconds(data, at, second, Math.round((milliseconds - second * 1_000) * 1_000_000));
}

/** Puts a pair of seconds and nanoseconds since the epoch there, as `fixed64` nanoseconds. */
export function putHrTime(data: DataView, at: number, [seconds, nanos]: HrTime): void {
  putNanoseconds(data, at, seconds, nanos);
}

/** Writes milliseconds since the epoch as `fixed64` nanoseconds. */
export function encodeEpochMilliseconds(writer: ByteWriter, milliseconds: number): void {
  const at = writer.claim(8);
  putEpochMilliseconds(writer.data, at, milliseconds);
}

function putNanoseconds(data: DataView, at: number, second: number, nanos: number): void {
  if (second !== knownSecond) rememberSecond(second);
  const low = knownLow + nanos;
  data.setInt32(at, low, true);
  data.setInt32(at + 4, low >= TWO_POW_32 ? knownHigh + 1 : knownHigh, true);
}

function rememberSecond(second: number): void {
  const nanoseconds = BigInt(second) * 1_000_000_000n;
  knownSecond = second;
  knownHigh = Number(BigInt.asUintN(32, nanoseconds >> 32n));
  knownLow = Number(BigInt.asUintN(32, nanoseconds));
}
