const INITIAL_BYTES = 4_096;
const TWO_POW_32 = 0x1_0000_0000;

/**
 * Writes protobuf into one buffer that grows and is used again: no object per field, no second pass for sizes.
 * A message whose length is not known yet gets its length written in front of it when it is closed.
 */
export class ByteWriter {
  /** The memory as bytes and as larger numbers; after `reserve()` and `claim()` it may be another. */
  buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  data = dataOf(this.buffer);
  /** Bytes written since the start; code that writes in place moves it behind what is complete. */
  length = 0;

  /** Forgets what was written after `length`; the memory is used again. */
  truncate(length: number): void {
    this.length = length;
  }

  /** What was written, in place: valid until the next write. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  copyTo(target: Uint8Array, offset: number): number {
    target.set(this.view(), offset);
    return offset + this.length;
  }

  /** Makes room behind what was written. */
  reserve(count: number): void {
    if (this.length + count > this.buffer.length) this.grow(count);
  }

  /** The position of `count` bytes that the caller writes in place. */
  claim(count: number): number {
    this.reserve(count);
    const at = this.length;
    this.length = at + count;
    return at;
  }

  byte(value: number): void {
    const at = this.claim(1);
    this.buffer[at] = value;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.length++] = (rest % 0x80) | 0x80;
      // Bit operations would cut what is beyond 32 bits.
      rest = rest < TWO_POW_32 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.buffer[this.length++] = rest;
  }

  /** Any whole number of a double, as int64: what is negative takes ten bytes. */
  int64(value: number): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.varint(value);
      return;
    }
    this.reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
  }

  double(value: number): void {
    const at = this.claim(8);
    this.data.setFloat64(at, value, true);
  }

  /** 32 bits, lowest byte first. */
  fixed32(word: number): void {
    const at = this.claim(4);
    this.data.setInt32(at, word, true);
  }

  bytes(source: Uint8Array): void {
    const at = this.claim(source.length);
    this.buffer.set(source, at);
  }

  /** The length of a text in UTF-8 and the text. */
  text(text: string): void {
    const { length } = text;
    // Three bytes at most for each UTF-16 unit, and five for the length.
    this.reserve(length * 3 + 5);
    if (length <= MAX_SHORT && putAscii(this.buffer, this.length + 1, text)) {
      this.buffer[this.length] = length;
      this.length += 1 + length;
    } else this.encodeText(text);
  }

  /** Begins a message whose length takes `lengthBytes`, probably; give what this returns to `close()`. */
  open(lengthBytes: number): number {
    return this.claim(lengthBytes) + lengthBytes;
  }

  /** Ends the message that began at `start` by writing its length in front of it. */
  close(start: number, lengthBytes: number): void {
    const length = this.length - start;
    const needed = varintSize(length);
    if (needed !== lengthBytes) this.move(start, needed - lengthBytes);
    let at = start - lengthBytes;
    let rest = length;
    for (; rest >= 0x80; rest >>>= 7) this.buffer[at++] = (rest & 0x7f) | 0x80;
    this.buffer[at] = rest;
  }

  /** Moves what was written from `start` on by some bytes. */
  private move(start: number, by: number): void {
    if (by > 0) {
      this.reserve(by);
      this.buffer.copyWithin(start + by, start, this.length);
    } else {
      // A short message, closer to its beginning: not worth a call of the engine's. The last word may reach beyond it.
      this.reserve(4);
      const { data } = this;
      for (let at = start; at < this.length; at += 4) data.setInt32(at + by, data.getInt32(at));
    }
    this.length += by;
  }

  private encodeText(given: unknown): void {
    // A name or a key in untyped code may be anything.
    const text = String(given);
    this.reserve(text.length * 3 + 5);
    // Mostly ASCII, so that the length takes as many bytes as that of the text's units.
    const lengthBytes = varintSize(text.length);
    const start = this.open(lengthBytes);
    this.length += this.buffer.write(text, start);
    this.close(start, lengthBytes);
  }

  private grow(count: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + count));
    larger.set(this.view());
    this.buffer = larger;
    this.data = dataOf(larger);
  }
}

function dataOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** How many bytes the length of a message takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** The longest message whose length is one byte. */
export const MAX_SHORT = 0x7f;
/** What `writeShortValue()` needs: a text that turns out not to be ASCII takes up to three bytes for a character. */
export const SHORT_VALUE_ROOM = 3 * MAX_SHORT;

/** Longer texts are left to the engine's own encoder; for shorter ones the call would cost more than the loop. */
const MAX_LOOP = 48;
const MAX_INT32 = 0x7fff_ffff;

/**
 * Puts an `AnyValue` there whose length is one byte, and that length in front of it. Returns the position behind it, or 0 for
 * what is longer or less usual; what was put there then means nothing.
 */
export function writeShortValue(buffer: Buffer, data: DataView, start: number, value: unknown): number {
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
function putAscii(buffer: Buffer, start: number, text: string): boolean {
  const { length } = text;
  if (length > MAX_LOOP) return buffer.write(text, start) === length;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return false;
    buffer[start + index] = code;
  }
  return true;
}
