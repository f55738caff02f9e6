import { CompactWriter } from './compact-writer.js';
import { BINARY_TYPE, COMPACT_FALSE, COMPACT_TRUE, COMPACT_TYPE } from './thrift-types.constants.js';

const BINARY_VERSION = 0x8001;
const COMPACT_PROTOCOL_ID = 0x82;
const COMPACT_VERSION = 1;

/**
 * The same Thrift message in the compact protocol, whatever its schema: the binary protocol says the type of each
 * field and element. Jaeger's port 6831 takes compact messages, its JavaScript client writes binary ones only.
 *
 * @throws RangeError or TypeError when `message` is no complete message in the strict binary protocol
 */
export function thriftBinaryToCompact(message: Buffer): Buffer {
  if (message.readUInt16BE(0) !== BINARY_VERSION) throw new TypeError('not a strict binary Thrift message');
  // An i16 in a list grows from two bytes to three, and nothing grows more.
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
