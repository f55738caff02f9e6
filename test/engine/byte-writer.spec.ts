import { ByteWriter } from '../../lib/engine/encoding/byte-writer.js';
import { encodeKeyValue, encodeValue } from '../../lib/engine/encoding/encode-attributes.js';

/** As many as a new writer has room for. */
const INITIAL_BYTES = 4_096;

function bytesOf(write: (writer: ByteWriter) => void, before = 0): Buffer {
  const writer = new ByteWriter();
  writer.bytes(new Uint8Array(before));
  write(writer);
  return Buffer.from(writer.view().subarray(before));
}

describe('ByteWriter', () => {
  it.each<[string, unknown]>([
    ['a short text', 'value'],
    ['a text beyond ASCII', 'ü'.repeat(100)],
    ['a text of surrogates', '🚀'.repeat(62)],
    ['a long text', '日'.repeat(3_000)],
    ['a number', 0.1],
    ['a list', ['a', 1, 'ü'.repeat(120)]],
  ])('writes %s the same wherever its memory ends', (_, value) => {
    const write = (writer: ByteWriter): void => {
      encodeKeyValue(writer, 0x4a, 'key', value);
      encodeValue(writer, value);
    };
    const expected = bytesOf(write);
    for (let before = INITIAL_BYTES - 1_000; before <= INITIAL_BYTES; before += 1)
      expect(bytesOf(write, before).equals(expected)).toBe(true);
  });

  it.each([
    [0, 1],
    [127, 1],
    [128, 2],
    [16_383, 2],
    [16_384, 3],
  ])('writes the length %d of a message in %d bytes, however many were expected', (length, needed) => {
    const content = Buffer.from(Array.from({ length }, (_, index) => index % 251));
    for (const expected of [1, 2, 3]) {
      const written = bytesOf((writer) => {
        const start = writer.open(expected);
        writer.bytes(content);
        writer.close(start, expected);
        writer.byte(0xff);
      });
      expect(written.length).toBe(needed + length + 1);
      expect(written.subarray(needed, needed + length).equals(content)).toBe(true);
      expect(written.at(-1)).toBe(0xff);
      let read = 0;
      for (let index = 0; index < needed; index += 1) read += (written[index]! & 0x7f) * 2 ** (7 * index);
      expect(read).toBe(length);
    }
  });
});
