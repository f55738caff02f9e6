import { ByteWriter } from '../../engine/encoding/byte-writer.js';

const BINARY_VERSION = 0x8001;
const COMPACT_PROTOCOL_ID = 0x82;
const COMPACT_VERSION = 1;

/** Types of Thrift's binary protocol, with their numbers in a field header. */
const STOP = 0;
const BOOL = 2;
const I8 = 3;
const DOUBLE = 4;
const I16 = 6;
const I32 = 8;
const I64 = 10;
const STRING = 11;
const STRUCT = 12;
const MAP = 13;
const SET = 14;
const LIST = 15;

/** The type of a boolean field contains its value; elements of collections have a byte. */
const COMPACT_TRUE = 1;
const COMPACT_FALSE = 2;

/** The compact type of each binary type except STOP; for BOOL, the one of boolean elements. */
const COMPACT_TYPE: ReadonlyMap<number, number> = new Map([
  [BOOL, COMPACT_TRUE],
  [I8, 3],
  [I16, 4],
  [I32, 5],
  [I64, 6],
  [DOUBLE, 7],
  [STRING, 8],
  [LIST, 9],
  [SET, 10],
  [MAP, 11],
  [STRUCT, 12],
]);

function compactType(type: number): number {
  const compact = COMPACT_TYPE.get(type);
  if (compact === undefined) throw new TypeError(`unknown Thrift type ${type}`);
  return compact;
}

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
  return new Transcoder(message).message();
}

class Transcoder {
  private readonly target = new ByteWriter();
  private offset = 4;

  constructor(private readonly source: Buffer) {}

  message(): Buffer {
    const messageType = this.source.readUInt8(3) & 0x07;
    const name = this.readBytes();
    this.target.byte(COMPACT_PROTOCOL_ID);
    this.target.byte((messageType << 5) | COMPACT_VERSION);
    this.target.varint(this.readI32() >>> 0);
    this.bytes(name);
    this.struct();
    return this.target.buffer.subarray(0, this.target.length);
  }

  private struct(): void {
    let previousId = 0;
    for (let type = this.readByte(); type !== STOP; type = this.readByte()) {
      const id = this.readI16();
      this.fieldHeader(type === BOOL ? this.readBool() : compactType(type), id, previousId);
      if (type !== BOOL) this.value(type);
      previousId = id;
    }
    this.target.byte(STOP);
  }

  private fieldHeader(type: number, id: number, previousId: number): void {
    const delta = id - previousId;
    if (delta >= 1 && delta <= 15) this.target.byte((delta << 4) | type);
    else {
      this.target.byte(type);
      this.zigzag32(id);
    }
  }

  private value(type: number): void {
    switch (type) {
      case BOOL:
        this.target.byte(this.readBool());
        break;
      case I8:
        this.target.byte(this.readByte());
        break;
      case I16:
        this.zigzag32(this.readI16());
        break;
      case I32:
        this.zigzag32(this.readI32());
        break;
      case I64:
        this.zigzag64(this.readI32(), this.readI32());
        break;
      case DOUBLE:
        this.target.double(this.source.readDoubleBE(this.offset));
        this.offset += 8;
        break;
      case STRING:
        this.bytes(this.readBytes());
        break;
      case STRUCT:
        this.struct();
        break;
      case LIST:
      case SET:
        this.list();
        break;
      case MAP:
        this.map();
        break;
      default:
        throw new TypeError(`unknown Thrift type ${type}`);
    }
  }

  private list(): void {
    const type = this.readByte();
    const size = this.readI32();
    this.target.byte((Math.min(size, 15) << 4) | compactType(type));
    if (size >= 15) this.target.varint(size);
    for (let index = 0; index < size; index += 1) this.value(type);
  }

  private map(): void {
    const keyType = this.readByte();
    const valueType = this.readByte();
    const size = this.readI32();
    this.target.varint(size >>> 0);
    if (size === 0) return;
    this.target.byte((compactType(keyType) << 4) | compactType(valueType));
    for (let index = 0; index < size; index += 1) {
      this.value(keyType);
      this.value(valueType);
    }
  }

  private bytes(value: Uint8Array): void {
    this.target.varint(value.length);
    this.target.bytes(value);
  }

  /** A signed integer of up to 32 bits. */
  private zigzag32(value: number): void {
    this.target.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** A signed 64-bit integer in two halves: twice as fast as BigInt, and a batch has thousands. */
  private zigzag64(high: number, low: number): void {
    const sign = high >> 31;
    let restHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
    let restLow = ((low << 1) ^ sign) >>> 0;
    while (restHigh !== 0 || restLow > 0x7f) {
      this.target.byte((restLow & 0x7f) | 0x80);
      restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
      restHigh >>>= 7;
    }
    this.target.byte(restLow);
  }

  private readByte(): number {
    return this.source.readUInt8(this.offset++);
  }

  private readBool(): number {
    return this.readByte() === 0 ? COMPACT_FALSE : COMPACT_TRUE;
  }

  private readI16(): number {
    const value = this.source.readInt16BE(this.offset);
    this.offset += 2;
    return value;
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
