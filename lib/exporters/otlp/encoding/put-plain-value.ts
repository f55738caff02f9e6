/** The longest message whose length is one byte. */
export const MAX_SHORT = 0x7f;
/** What `putPlainValue()` needs: a text that turns out not to be ASCII takes up to three bytes for a character. */
export const PLAIN_ROOM = 3 * MAX_SHORT;

/** Longer texts are left to the engine's own encoder; for shorter ones the call would cost more than the loop. */
const MAX_LOOP = 48;
const MAX_INT32 = 0x7fff_ffff;

/**
 * Puts an `AnyValue` there whose length is one byte, and that length in front of it. Returns the position behind it, or 0 for
 * what is longer or less usual; what was put there then means nothing.
 */
export function putPlainValue(buffer: Buffer, data: DataView, start: number, value: unknown): number {
  let at = start + 1;
  if (typeof value === 'string') {
    const { length } = value;
    if (length > MAX_SHORT - 2) return 0;
    buffer[at++] = 0x0a;
    buffer[at++] = length;
    if (!putAscii(buffer, at, value)) return 0;
    at += length;
  } else if (typeof value === 'number') {
    if (!Number.isInteger(value)) {
      buffer[at++] = 0x21;
      data.setFloat64(at, value, true);
      at += 8;
    } else if (value >= 0 && value <= MAX_INT32) {
      buffer[at++] = 0x18;
      let rest = value;
      for (; rest >= 0x80; rest >>>= 7) buffer[at++] = rest | 0x80;
      buffer[at++] = rest;
    } else return 0;
  } else if (typeof value === 'boolean') {
    buffer[at++] = 0x10;
    buffer[at++] = value ? 1 : 0;
  } else return 0;
  buffer[start] = at - start - 1;
  return at;
}

/** Puts a text there as ASCII and returns whether it is. Needs room for three bytes for each character. */
export function putAscii(buffer: Buffer, start: number, text: string): boolean {
  const { length } = text;
  if (length > MAX_LOOP) return buffer.write(text, start) === length;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return false;
    buffer[start + index] = code;
  }
  return true;
}
