/** Writes the numbers and bytes of Thrift's compact protocol one after the other. */
export class CompactWriter {
  private readonly buffer: Buffer;
  private length = 0;

  /** @param capacity most bytes that will be written */
  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  /** What was written so far. */
  written(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  byte(value: number): void {
    this.length = this.buffer.writeUInt8(value & 0xff, this.length);
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** The eight bytes of a double, which compact Thrift has the little end first. */
  double(value: number): void {
    this.length = this.buffer.writeDoubleLE(value, this.length);
  }

  varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** A signed integer of up to 32 bits. */
  zigzag32(value: number): void {
    this.varint((value << 1) ^ (value >> 31));
  }

  /** A signed 64-bit integer, given as its halves: twice as fast as BigInt, and a batch holds thousands. */
  zigzag64(high: number, low: number): void {
    const sign = high >> 31;
    let restHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
    let restLow = ((low << 1) ^ sign) >>> 0;
    while (restHigh !== 0 || restLow > 0x7f) {
      this.byte((restLow & 0x7f) | 0x80);
      restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
      restHigh >>>= 7;
    }
    this.byte(restLow);
  }
}
