const INITIAL_BYTES = 4_096;
/** Longer texts are left to the engine's own encoder; for shorter ones the call would cost more than the loop. */
const SHORT_TEXT = 48;
const TWO_POW_32 = 0x1_0000_0000;

/**
 * Writes protobuf into one buffer that grows and is used again: no object per field, no second pass for sizes.
 * A message whose length is not known yet gets its length written in front of it when it is closed.
 */
export class ByteWriter {
  private buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private at = 0;

  /** Bytes written since the start. */
  get length(): number {
    return this.at;
  }

  /** Forgets what was written after `length`; the memory is used again. */
  truncate(length: number): void {
    this.at = length;
  }

  /** What was written, in place: valid until the next write. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  copyTo(target: Uint8Array, offset: number): number {
    target.set(this.view(), offset);
    return offset + this.at;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.at++] = value;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.at++] = (rest % 0x80) | 0x80;
      // Bit operations would cut what is beyond 32 bits.
      rest = rest < TWO_POW_32 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.buffer[this.at++] = rest;
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
      this.buffer[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.at++] = Number(rest);
  }

  double(value: number): void {
    this.reserve(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
  }

  /** 32 bits, lowest byte first. */
  fixed32(word: number): void {
    this.reserve(4);
    const { buffer } = this;
    let { at } = this;
    buffer[at++] = word;
    buffer[at++] = word >>> 8;
    buffer[at++] = word >>> 16;
    buffer[at++] = word >>> 24;
    this.at = at;
  }

  /** 32 bits, highest byte first, as ids are written. */
  bigEndian32(word: number): void {
    this.reserve(4);
    const { buffer } = this;
    let { at } = this;
    buffer[at++] = word >>> 24;
    buffer[at++] = word >>> 16;
    buffer[at++] = word >>> 8;
    buffer[at++] = word;
    this.at = at;
  }

  bytes(source: Uint8Array): void {
    const { length } = source;
    this.reserve(length);
    if (length > 32) {
      this.buffer.set(source, this.at);
      this.at += length;
      return;
    }
    const { buffer } = this;
    let { at } = this;
    for (let index = 0; index < length; index += 1) buffer[at++] = source[index] ?? 0;
    this.at = at;
  }

  /** The length of a text in UTF-8 and the text. */
  text(text: string): void {
    const { length } = text;
    // Three bytes at most for each UTF-16 unit, and five for the length.
    this.reserve(length * 3 + 5);
    if (length > SHORT_TEXT || !this.shortAscii(text)) this.encodeText(text);
  }

  /** Begins a message whose length takes `lengthBytes`, probably; give what this returns to `close()`. */
  open(lengthBytes: number): number {
    this.reserve(lengthBytes);
    this.at += lengthBytes;
    return this.at;
  }

  /** Ends the message that began at `start` by writing its length in front of it. */
  close(start: number, lengthBytes: number): void {
    const length = this.at - start;
    const needed = varintSize(length);
    if (needed !== lengthBytes) {
      this.reserve(needed);
      this.buffer.copyWithin(start + needed - lengthBytes, start, this.at);
      this.at += needed - lengthBytes;
    }
    this.writeVarintAt(start - lengthBytes, length);
  }

  /** Makes room; whoever writes several small things makes it once. */
  reserve(count: number): void {
    if (this.at + count > this.buffer.length) this.grow(count);
  }

  private shortAscii(text: string): boolean {
    const { buffer } = this;
    let at = this.at + 1;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      buffer[at++] = code;
    }
    buffer[this.at] = text.length;
    this.at = at;
    return true;
  }

  private encodeText(text: string): void {
    // Mostly ASCII, so that the length takes as many bytes as that of the text's units.
    const lengthBytes = varintSize(text.length);
    const start = this.open(lengthBytes);
    this.at += this.buffer.write(text, start, 'utf8');
    this.close(start, lengthBytes);
  }

  private writeVarintAt(position: number, value: number): void {
    let at = position;
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[at] = rest;
  }

  private grow(count: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + count));
    larger.set(this.view());
    this.buffer = larger;
  }
}

/** How many bytes the length of a message takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
