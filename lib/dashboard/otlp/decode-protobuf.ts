import { type FieldType, type Message } from './otlp-messages.constants.js';
import { ProtobufError, ProtobufReader, WIRE } from './protobuf-reader.js';

/** Values within values; OTLP itself needs eight. */
const MAX_DEPTH = 64;

/**
 * What a protobuf message says, in the form OTLP has in JSON. Fields that are not known are left out.
 *
 * @throws ProtobufError when it is no such message
 */
export function decodeProtobuf(bytes: Uint8Array, message: Message): Record<string, unknown> {
  return decodeMessage(new ProtobufReader(bytes), message, 0);
}

function decodeMessage(reader: ProtobufReader, message: Message, depth: number): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new ProtobufError('values are nested too deeply');
  const decoded: Record<string, unknown> = {};
  while (!reader.isAtEnd) {
    const { field, wire } = reader.tag();
    const known = message[field];
    if (known === undefined) {
      reader.skip(wire);
      continue;
    }
    const [name, type, repeated] = known;
    if (repeated === undefined) {
      decoded[name] = decodeField(reader, type, wire, depth);
      continue;
    }
    const list = (decoded[name] ??= []) as unknown[];
    if (wire === WIRE.bytes && typeof type === 'string' && wireOf(type) !== WIRE.bytes) {
      const packed = reader.message();
      while (!packed.isAtEnd) list.push(decodeScalar(packed, type));
    } else list.push(decodeField(reader, type, wire, depth));
  }
  return decoded;
}

function decodeField(
  reader: ProtobufReader,
  type: FieldType | (() => Message),
  wire: number,
  depth: number,
): unknown {
  if (wire !== (typeof type === 'string' ? wireOf(type) : WIRE.bytes))
    throw new ProtobufError('a field is not of the type it has in OTLP');
  if (typeof type === 'function') return decodeMessage(reader.message(), type(), depth + 1);
  return decodeScalar(reader, type);
}

function decodeScalar(reader: ProtobufReader, type: FieldType): unknown {
  switch (type) {
    case 'string':
      return Buffer.from(reader.slice()).toString('utf8');
    case 'bytes':
      return Buffer.from(reader.slice()).toString('base64');
    case 'id':
      return Buffer.from(reader.slice()).toString('hex');
    case 'bool':
      return reader.varint() !== 0n;
    case 'uint32':
      return Number(BigInt.asUintN(32, reader.varint()));
    case 'sint32':
      return zigzag(Number(BigInt.asUintN(32, reader.varint())));
    case 'int64':
      return String(BigInt.asIntN(64, reader.varint()));
    case 'fixed64':
      return String(reader.fixed64());
    case 'sfixed64':
      return String(BigInt.asIntN(64, reader.fixed64()));
    case 'double':
      return reader.double();
  }
}

function wireOf(type: FieldType): number {
  switch (type) {
    case 'string':
    case 'bytes':
    case 'id':
      return WIRE.bytes;
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return WIRE.fixed64;
    default:
      return WIRE.varint;
  }
}

function zigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
