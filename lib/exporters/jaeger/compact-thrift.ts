const BINARY_VERSION = 0x8001;
const COMPACT_PROTOCOL_ID = 0x82;
const COMPACT_VERSION = 1;

/**
 * Converts a Thrift message to the compact protocol. Works for any schema, because the binary
 * protocol contains the type of each field and element. Jaeger's port 6831 receives compact
 * messages, but its JavaScript client writes only binary ones.
 *
 * @throws RangeError or TypeError when `message` is not a complete message in the strict binary
 *   protocol
 */
export function thriftBinaryToCompact(message: Buffer): Buffer {
  if (message.readUInt16BE(0) !== BINARY_VERSION) throw new TypeError('not a strict binary Thrift message');
  // The largest growth is that of an i16 in a list, from two bytes to three.
  const transcoder = new Transcoder(message, new CompactWriter(Math.ceil(message.length * 1.5) + 16));
  return transcoder.message();
}

class Transcoder {
  private offset = 0;

  constructor(
    private readonly source: Buffer,
    private readonly target: CompactWriter,
  ) {}

  message(): Buffer {
    const messageType = this.source.readUInt8(3) & 0x07;
    this.offset = 4;
    const name = this.readBytes();
    const sequenceId = this.readI32();
    this.target.byte(COMPACT_PROTOCOL_ID);
    this.target.byte((messageType << 5) | COMPACT_VERSION);
    this.target.varint(sequenceId);
    this.target.bytes(name);
    this.struct();
    return this.target.written();
  }

  private struct(): void {
    let previousId = 0;
    for (let type = this.readByte(); type !== BINARY_TYPE.STOP; type = this.readByte()) {
      const id = this.source.readInt16BE(this.offset);
      this.offset += 2;
      if (type === BINARY_TYPE.BOOL) {
        this.fieldHeader(this.readByte() === 0 ? COMPACT_FALSE : COMPACT_TRUE, id, previousId);
      } else {
        this.fieldHeader(compactType(type), id, previousId);
        this.value(type);
      }
      previousId = id;
    }
    this.target.byte(BINARY_TYPE.STOP);
  }

  private fieldHeader(type: number, id: number, previousId: number): void {
    const delta = id - previousId;
    if (delta >= 1 && delta <= 15) {
      this.target.byte((delta << 4) | type);
    } else {
      this.target.byte(type);
      this.target.zigzag32(id);
    }
  }

  private value(type: number): void {
    switch (type) {
      case BINARY_TYPE.BOOL:
        this.target.byte(this.readByte() === 0 ? COMPACT_FALSE : COMPACT_TRUE);
        break;
      case BINARY_TYPE.I8:
        this.target.byte(this.readByte());
        break;
      case BINARY_TYPE.I16:
        this.target.zigzag32(this.source.readInt16BE(this.offset));
        this.offset += 2;
        break;
      case BINARY_TYPE.I32:
        this.target.zigzag32(this.readI32());
        break;
      case BINARY_TYPE.I64: {
        const high = this.readI32();
        this.target.zigzag64(high, this.readI32());
        break;
      }
      case BINARY_TYPE.DOUBLE:
        this.target.double(this.source.readDoubleBE(this.offset));
        this.offset += 8;
        break;
      case BINARY_TYPE.STRING:
        this.target.bytes(this.readBytes());
        break;
      case BINARY_TYPE.STRUCT:
        this.struct();
        break;
      case BINARY_TYPE.LIST:
      case BINARY_TYPE.SET:
        this.list();
        break;
      case BINARY_TYPE.MAP:
        this.map();
        break;
      default:
        throw new TypeError(`unknown Thrift type ${type}`);
    }
  }

  private list(): void {
    const type = this.readByte();
    const size = this.readI32();
    if (size < 15) {
      this.target.byte((size << 4) | compactType(type));
    } else {
      this.target.byte(0xf0 | compactType(type));
      this.target.varint(size);
    }
    for (let index = 0; index < size; index += 1) this.value(type);
  }

  private map(): void {
    const keyType = this.readByte();
    const valueType = this.readByte();
    const size = this.readI32();
    this.target.varint(size);
    if (size === 0) return;
    this.target.byte((compactType(keyType) << 4) | compactType(valueType));
    for (let index = 0; index < size; index += 1) {
      this.value(keyType);
      this.value(valueType);
    }
  }

  private readByte(): number {
    const byte = this.source.readUInt8(this.offset);
    this.offset += 1;
    return byte;
  }

  private readI32(): number {
    const value = this.source.readInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  private readBytes(): Buffer {
    const length = this.readI32();
    const end = this.offset + length;
    if (length < 0 || end > this.source.length) throw new RangeError('Thrift message ends too early');
    const bytes = this.source.subarray(this.offset, end);
    this.offset = end;
    return bytes;
  }
}

function compactType(type: number): number {
  const compact = COMPACT_TYPE.get(type);
  if (compact === undefined) throw new TypeError(`unknown Thrift type ${type}`);
  return compact;
}

/** Writes the numbers and bytes of Thrift's compact protocol. */
class CompactWriter {
  private readonly buffer: Buffer;
  private length = 0;

  /** @param capacity most bytes that can be written */
  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  /** The bytes written so far. */
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

  /** A double in eight bytes, little-endian. */
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

  /** A signed 64-bit integer in two halves: twice as fast as BigInt, and a batch has thousands. */
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

/** Types of Thrift's binary protocol, with their numbers in a field header. */
const BINARY_TYPE = {
  STOP: 0,
  BOOL: 2,
  I8: 3,
  DOUBLE: 4,
  I16: 6,
  I32: 8,
  I64: 10,
  STRING: 11,
  STRUCT: 12,
  MAP: 13,
  SET: 14,
  LIST: 15,
} as const;

/**
 * In the compact protocol, the type of a boolean field contains its value; elements of collections
 * have a byte.
 */
const COMPACT_TRUE = 1;
const COMPACT_FALSE = 2;

/** The compact type of each binary type except STOP; for BOOL, the one of boolean elements. */
const COMPACT_TYPE: ReadonlyMap<number, number> = new Map([
  [BINARY_TYPE.BOOL, COMPACT_TRUE],
  [BINARY_TYPE.I8, 3],
  [BINARY_TYPE.I16, 4],
  [BINARY_TYPE.I32, 5],
  [BINARY_TYPE.I64, 6],
  [BINARY_TYPE.DOUBLE, 7],
  [BINARY_TYPE.STRING, 8],
  [BINARY_TYPE.LIST, 9],
  [BINARY_TYPE.SET, 10],
  [BINARY_TYPE.MAP, 11],
  [BINARY_TYPE.STRUCT, 12],
]);
