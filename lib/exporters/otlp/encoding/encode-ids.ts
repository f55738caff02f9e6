import { type LocalSpan } from '../../../recording/local-span.js';
import { wordAt } from '../../../recording/span-identity.js';
import { type ByteWriter } from './byte-writer.js';

/** 16 bytes of 32 hexadecimal digits. */
export function encodeTraceIdText(writer: ByteWriter, tag: number, text: string): void {
  writer.byte(tag);
  writer.byte(16);
  for (let start = 0; start < 32; start += 8) writer.bigEndian32(wordAt(text, start));
}

/** 8 bytes of 16 hexadecimal digits. */
export function encodeSpanIdText(writer: ByteWriter, tag: number, text: string): void {
  writer.byte(tag);
  writer.byte(8);
  writer.bigEndian32(wordAt(text, 0));
  writer.bigEndian32(wordAt(text, 8));
}

/** Both ids of a span of ours, whose texts need not exist. */
export function encodeIdsOf(
  writer: ByteWriter,
  tag: { readonly traceId: number; readonly spanId: number },
  span: LocalSpan,
): void {
  const { traceId } = span;
  writer.byte(tag.traceId);
  writer.byte(16);
  writer.bigEndian32(traceId.a);
  writer.bigEndian32(traceId.b);
  writer.bigEndian32(traceId.c);
  writer.bigEndian32(traceId.d);
  encodeSpanId(writer, tag.spanId, span);
}

export function encodeSpanId(writer: ByteWriter, tag: number, { idHigh, idLow }: LocalSpan): void {
  writer.byte(tag);
  writer.byte(8);
  writer.bigEndian32(idHigh);
  writer.bigEndian32(idLow);
}
