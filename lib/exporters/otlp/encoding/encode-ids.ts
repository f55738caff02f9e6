import { type LocalSpan } from '../../../recording/local-span.js';
import { type TraceId, wordAt } from '../../../recording/span-identity.js';
import { type ByteWriter } from './byte-writer.js';

/** Puts the 16 bytes of a trace id there. They are 32-bit numbers already; told so, the engine need not convert them. */
export function putTraceId(data: DataView, at: number, { a, b, c, d }: TraceId): void {
  data.setInt32(at, a | 0);
  data.setInt32(at + 4, b | 0);
  data.setInt32(at + 8, c | 0);
  data.setInt32(at + 12, d | 0);
}

/** Puts the 8 bytes of a span's id there; its text need not exist. */
export function putSpanId(data: DataView, at: number, { idHigh, idLow }: LocalSpan): void {
  data.setInt32(at, idHigh | 0);
  data.setInt32(at + 4, idLow | 0);
}

/** Puts 8 bytes of 16 hexadecimal digits there. */
export function putSpanIdText(data: DataView, at: number, text: string): void {
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
