/** A body that is no protobuf, or none of the kind that was expected. */
export class ProtobufError extends Error {}

/** How the number of a field is written. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Reads what protobuf wrote, within the bounds of one message. */
export class ProtobufReader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private position = 0,
    private readonly end = bytes.length,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  /** Number of the next field and how it is written. */
  tag(): { field: number; wire: number } {
    const tag = Number(this.varint());
    const field = Math.floor(tag / 8);
    if (field === 0) throw new ProtobufError('a field has the number 0');
    return { field, wire: tag % 8 };
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.view.getUint8(this.advance(1));
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('a number is longer than ten bytes');
  }

  fixed64(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  double(): number {
    return this.view.getFloat64(this.advance(8), true);
  }

  /** The bytes of the next field, not copied. */
  slice(): Uint8Array {
    const { from, to } = this.extent();
    return this.bytes.subarray(from, to);
  }

  /** A reader for the message in the next field. */
  message(): ProtobufReader {
    const { from, to } = this.extent();
    return new ProtobufReader(this.bytes, from, to);
  }

  skip(wire: number): void {
    if (wire === WIRE.varint) this.varint();
    else if (wire === WIRE.fixed64) this.advance(8);
    else if (wire === WIRE.bytes) this.extent();
    else if (wire === WIRE.fixed32) this.advance(4);
    else throw new ProtobufError(`a field is written in the unknown way ${wire}`);
  }

  private extent(): { from: number; to: number } {
    const length = Number(this.varint());
    const from = this.advance(length);
    return { from, to: from + length };
  }

  /** Where the next `count` bytes begin. */
  private advance(count: number): number {
    const { position } = this;
    if (count > this.end - position) throw new ProtobufError('it ends in the middle of a field');
    this.position = position + count;
    return position;
  }
}
