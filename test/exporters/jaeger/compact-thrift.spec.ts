import { thriftBinaryToCompact } from '../../../lib/exporters/jaeger/compact-thrift.js';
import { decodeCompact, type ThriftStruct, type ThriftValue } from './decode-compact.js';

const T = {
  bool: 2,
  i8: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
};

/** Big-endian bytes of the binary protocol, written by hand. */
const i8 = (value: number): Buffer => Buffer.from([value & 0xff]);
const i16 = (value: number): Buffer => int(value, 2);
const i32 = (value: number): Buffer => int(value, 4);
const i64 = (value: bigint): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer;
};
const double = (value: number): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(value);
  return buffer;
};
const string = (value: string): Buffer => Buffer.concat([i32(Buffer.byteLength(value)), Buffer.from(value)]);
const field = (type: number, id: number, value: Buffer): Buffer => Buffer.concat([i8(type), i16(id), value]);
const struct = (...fields: Buffer[]): Buffer => Buffer.concat([...fields, i8(0)]);
const list = (type: number, ...items: Buffer[]): Buffer =>
  Buffer.concat([i8(type), i32(items.length), ...items]);
const map = (keyType: number, valueType: number, ...items: Buffer[]): Buffer =>
  Buffer.concat([i8(keyType), i8(valueType), i32(items.length / 2), ...items]);
const message = (body: Buffer, { type = 4, name = 'emitBatch', sequenceId = 0 } = {}): Buffer =>
  Buffer.concat([Buffer.from([0x80, 0x01, 0x00, type]), string(name), i32(sequenceId), body]);

function int(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

/** The body of a message with these fields, after the way through the compact protocol. */
function transcoded(...fields: Buffer[]): ThriftStruct {
  return decodeCompact(thriftBinaryToCompact(message(struct(...fields)))).body;
}

describe('thriftBinaryToCompact()', () => {
  it('writes the bytes that the compact specification prescribes', () => {
    const body = struct(
      field(T.i32, 1, i32(-1)),
      field(T.bool, 2, i8(1)),
      field(T.bool, 3, i8(0)),
      field(T.string, 20, string('hé')),
      field(T.list, 21, list(T.i16, i16(1), i16(-2))),
    );

    expect(thriftBinaryToCompact(message(body)).toString('hex')).toBe(
      [
        '82', // protocol
        '81', // oneway (4) << 5 | version 1
        '00', // sequence id
        '09656d69744261746368', // "emitBatch"
        '1501', // field 1, i32: zigzag(-1)
        '11', // field +1: true
        '12', // field +1: false
        '08280368c3a9', // field 20 is more than 15 away: type, zigzag(20), three bytes
        '19240203', // field +1: two i16, zigzag(1), zigzag(-2)
        '00', // stop
      ].join(''),
    );
  });

  it('keeps message type, name and sequence id', () => {
    const compact = thriftBinaryToCompact(
      message(struct(), { type: 1, name: 'submitBatches', sequenceId: 300 }),
    );

    expect(decodeCompact(compact)).toEqual({ type: 1, name: 'submitBatches', sequenceId: 300, body: {} });
  });

  it.each([
    0n,
    1n,
    -1n,
    63n,
    64n,
    -65n,
    2n ** 31n,
    -(2n ** 31n),
    2n ** 32n,
    0x0102030405060708n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ])('keeps the 64-bit integer %p', (value) => {
    expect(transcoded(field(T.i64, 1, i64(value)))).toEqual({ 1: value });
  });

  it.each([0, 1, -1, 127, 128, -2147483648, 2147483647])('keeps the 32-bit integer %p', (value) => {
    expect(transcoded(field(T.i32, 1, i32(value)))).toEqual({ 1: value });
  });

  it.each([0, 1.5, -0.1, Number.MAX_VALUE, -Infinity, NaN])('keeps the double %p', (value) => {
    expect(transcoded(field(T.double, 1, double(value)))).toEqual({ 1: value });
  });

  it('keeps small integers', () => {
    expect(transcoded(field(T.i8, 1, i8(-5)), field(T.i16, 2, i16(-32768)))).toEqual({ 1: -5, 2: -32768 });
  });

  it.each([0, 14, 15, 200])('keeps a list of %p elements', (size) => {
    const numbers = Array.from({ length: size }, (_, index) => index * 1000);

    expect(transcoded(field(T.list, 1, list(T.i32, ...numbers.map(i32))))).toEqual({ 1: numbers });
  });

  it('keeps sets, lists of booleans, strings, structs and lists', () => {
    const body = transcoded(
      field(T.set, 1, list(T.i16, i16(7))),
      field(T.list, 2, list(T.bool, i8(1), i8(0))),
      field(T.list, 3, list(T.string, string('a'), string(''))),
      field(T.list, 4, list(T.struct, struct(field(T.bool, 1, i8(1))), struct())),
      field(T.list, 5, list(T.list, list(T.double, double(2)))),
    );

    expect(body).toEqual({
      1: [7],
      2: [true, false],
      3: [Buffer.from('a'), Buffer.from('')],
      4: [{ 1: true }, {}],
      5: [[2]],
    });
  });

  it('keeps maps, and empty ones', () => {
    const body = transcoded(
      field(T.map, 1, map(T.i32, T.bool, i32(1), i8(1), i32(2), i8(0))),
      field(T.map, 2, map(T.string, T.i32)),
    );

    expect(body).toEqual({
      1: new Map<ThriftValue, ThriftValue>([
        [1, true],
        [2, false],
      ]),
      2: new Map(),
    });
  });

  it('keeps fields in any order of ids', () => {
    expect(transcoded(...[3, 1, 300, -4].map((id) => field(T.i32, id, i32(id))))).toEqual({
      3: 3,
      1: 1,
      300: 300,
      [-4]: -4,
    });
  });

  it('counts the ids of a nested struct from zero and goes on afterwards', () => {
    const inner = struct(field(T.i32, 1, i32(1)), field(T.i32, 2, i32(2)));

    expect(transcoded(field(T.struct, 5, inner), field(T.i32, 6, i32(6)))).toEqual({
      5: { 1: 1, 2: 2 },
      6: 6,
    });
  });

  it.each([
    ['is not strict', Buffer.concat([string('emitBatch'), i8(4), i32(0), struct()])],
    ['ends too early', message(struct(field(T.i64, 1, i64(1n)))).subarray(0, -3)],
    ['claims a longer string than there is', message(struct(field(T.string, 1, i32(1000))))],
    ['holds an unknown type', message(struct(field(5, 1, i8(0))))],
  ])('throws when the message %s', (_case, broken) => {
    expect(() => thriftBinaryToCompact(broken)).toThrow(/binary|early|range|outside|unknown/);
  });
});
