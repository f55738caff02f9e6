import { type HrTime } from '@opentelemetry/api';

import { type SpanClock } from '../../../recording/span-clock.js';
import { type ByteWriter } from './byte-writer.js';

const TWO_POW_32 = 0x1_0000_0000;

/** The second that was written last, in nanoseconds since the epoch as two words: nearly all instants share it. */
let knownSecond = -1;
let knownHigh = 0;
let knownLow = 0;

/** An instant of a span's clock as `fixed64` nanoseconds since the epoch. */
export function encodeInstant(writer: ByteWriter, clock: SpanClock, instant: number): void {
  const whole = Math.floor(instant);
  const milliseconds = clock.anchorMs + whole;
  const second = Math.floor(milliseconds / 1_000);
  const nanos = (milliseconds - second * 1_000) * 1_000_000 + Math.round((instant - whole) * 1_000_000);
  encodeNanoseconds(writer, second, nanos);
}

/** Milliseconds since the epoch as `fixed64` nanoseconds. */
export function encodeEpochMilliseconds(writer: ByteWriter, milliseconds: number): void {
  const second = Math.floor(milliseconds / 1_000);
  encodeNanoseconds(writer, second, Math.round((milliseconds - second * 1_000) * 1_000_000));
}

/** A pair of seconds and nanoseconds since the epoch as `fixed64` nanoseconds. */
export function encodeHrTime(writer: ByteWriter, [seconds, nanos]: HrTime): void {
  encodeNanoseconds(writer, seconds, nanos);
}

function encodeNanoseconds(writer: ByteWriter, second: number, nanos: number): void {
  if (second !== knownSecond) rememberSecond(second);
  const low = knownLow + nanos;
  writer.fixed32(low);
  writer.fixed32(low >= TWO_POW_32 ? knownHigh + 1 : knownHigh);
}

function rememberSecond(second: number): void {
  const nanoseconds = BigInt(second) * 1_000_000_000n;
  knownSecond = second;
  knownHigh = Number(BigInt.asUintN(32, nanoseconds >> 32n));
  knownLow = Number(BigInt.asUintN(32, nanoseconds));
}
