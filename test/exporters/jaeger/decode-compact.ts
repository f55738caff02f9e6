/** A decoded value: structs are objects by field id, the rest is what one expects; 64-bit integers are bigints. */
export type ThriftValue =
  number | bigint | boolean | Buffer | ThriftValue[] | Map<ThriftValue, ThriftValue> | ThriftStruct;

export interface ThriftStruct {
  [fieldId: number]: ThriftValue;
}

export interface ThriftMessage {
  readonly type: number;
  readonly sequenceId: number;
  readonly name: string;
  readonly body: ThriftStruct;
}

/**
 * Reads a Thrift message in the compact protocol, written from the protocol's specification alone and sharing nothing
 * with the transcoder it checks; complains about bytes left over.
 */
export function decodeCompact(bytes: Buffer): ThriftMessage {
  let at = 0;
  const byte = (): number => {
    if (at >= bytes.length) throw new RangeError('message ends too early');
    return bytes[at++]!;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const next = byte();
      value |= BigInt(next & 0x7f) << shift;
      if ((next & 0x80) === 0) return value;
    }
  };
  const zigzag = (): bigint => {
    const raw = varint();
    return (raw >> 1n) ^ -(raw & 1n);
  };
  const text = (): Buffer => {
    const length = Number(varint());
    at += length;
    return bytes.subarray(at - length, at);
  };
  const elements = (): ThriftValue[] => {
    const header = byte();
    const size = header >> 4 === 15 ? Number(varint()) : header >> 4;
    return Array.from({ length: size }, () => value(header & 0x0f));
  };
  const entries = (): Map<ThriftValue, ThriftValue> => {
    const size = Number(varint());
    if (size === 0) return new Map();
    const types = byte();
    return new Map(Array.from({ length: size }, () => [value(types >> 4), value(types & 0x0f)] as const));
  };
  const struct = (): ThriftStruct => {
    const fields: ThriftStruct = {};
    let id = 0;
    for (let header = byte(); header !== 0; header = byte()) {
      const type = header & 0x0f;
      id = header >> 4 === 0 ? Number(zigzag()) : id + (header >> 4);
      fields[id] = type === 1 || type === 2 ? type === 1 : value(type);
    }
    return fields;
  };
  const value = (type: number): ThriftValue => {
    switch (type) {
      case 1:
      case 2:
        return byte() === 1;
      case 3:
        return (byte() << 24) >> 24;
      case 4:
      case 5:
        return Number(zigzag());
      case 6:
        return zigzag();
      case 7:
        at += 8;
        return bytes.readDoubleLE(at - 8);
      case 8:
        return text();
      case 9:
      case 10:
        return elements();
      case 11:
        return entries();
      case 12:
        return struct();
      default:
        throw new TypeError(`no such compact type: ${type}`);
    }
  };

  if (byte() !== 0x82) throw new TypeError('not a compact message');
  const versionAndType = byte();
  if ((versionAndType & 0x1f) !== 1) throw new TypeError('not version 1');
  const sequenceId = Number(varint());
  const name = text().toString();
  const message = { type: versionAndType >> 5, sequenceId, name, body: struct() };
  if (at !== bytes.length) throw new RangeError(`${bytes.length - at} bytes left over`);
  return message;
}
