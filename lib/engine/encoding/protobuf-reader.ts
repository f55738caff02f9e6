/** Bytes that are no protobuf, or none of the kind that was expected. */
export class ProtobufError extends Error {}

export function isProtobufError(error: unknown): error is ProtobufError {
  return error instanceof ProtobufError;
}

/** How the number of a field is written. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const MAX_VARINT_BYTES = 10;

/** Reads what protobuf wrote, within the bounds of one message. */
export class ProtobufReader {
  constructor(
    private readonly bytes: Buffer,
    private position = 0,
    private readonly end = bytes.length,
  ) {}

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  /** Number of the next field times 8, plus how it is written. */
  tag(): number {
    const tag = this.size();
    if (tag < 8) throw new ProtobufError('a field has the number 0');
    return tag;
  }

  varint(): bigint {
    let value = 0n;
    for (let count = 0; count < MAX_VARINT_BYTES; count += 1) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('a number is longer than ten bytes');
  }

  fixed64(): bigint {
    return this.bytes.readBigUInt64LE(this.advance(8));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.advance(8));
  }

  /** The next field as a text. */
  text(encoding: 'utf8' | 'hex' | 'base64'): string {
    const length = this.size();
    const from = this.advance(length);
    return this.bytes.toString(encoding, from, from + length);
  }

  /** A reader for the message in the next field. */
  message(): ProtobufReader {
    const length = this.size();
    const from = this.advance(length);
    return new ProtobufReader(this.bytes, from, from + length);
  }

  /** The bytes of the next field, not copied. */
  slice(): Buffer {
    const length = this.size();
    const from = this.advance(length);
    return this.bytes.subarray(from, from + length);
  }

  skip(wire: number): void {
    if (wire === WIRE.varint) this.size();
    else if (wire === WIRE.fixed64) this.advance(8);
    else if (wire === WIRE.bytes) this.advance(this.size());
    else if (wire === WIRE.fixed32) this.advance(4);
    else throw new ProtobufError(`a field is written in the unknown way ${wire}`);
  }

  /** A varint as a number: exact where it is a length or a tag, and too large for either beyond. */
  private size(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new ProtobufError('a number is longer than ten bytes');
  }

  private byte(): number {
    return this.bytes[this.advance(1)] ?? 0;
  }

  /** Where the next `count` bytes begin. */
  private advance(count: number): number {
    const { position } = this;
    if (count > this.end - position) throw new ProtobufError('it ends in the middle of a field');
    this.position = position + count;
    return position;
  }
}
