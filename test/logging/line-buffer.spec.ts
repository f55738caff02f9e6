import { LineBuffer } from '../../lib/logging/line-buffer.js';
import { createRandom } from '../support/random.js';

/** One of each kind: control, quote, backslash, ASCII, two and three bytes, both halves of a pair. */
const CHARACTERS = [
  ...Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)),
  ...['ß', 'ж', '€', '\u2028', '\ufeff', '\uffff', '👋', '\ud83d', '\udc4b'],
];

function write(act: (buffer: LineBuffer) => void): string {
  const buffer = new LineBuffer(16);
  act(buffer);
  return buffer.view().toString();
}

describe('a line buffer', () => {
  it.each([
    ['short', 1],
    ['as long as is looked at', 50],
    ['long', 200],
  ])('quotes any character in a %s text as JSON.stringify does', (_, repeated) => {
    for (const character of CHARACTERS) {
      for (const text of [
        character,
        `before ${character}`,
        `${character} after`,
        `a${character}b${character}`,
      ]) {
        const given = text.repeat(repeated);
        expect(write((buffer) => { buffer.quoted(given); })).toBe(JSON.stringify(given)); // prettier-ignore
      }
    }
  });

  it.each([0, 1, 0x7fff_ffff, 0xdead_beef, -1, 0x8000_0000 | 0])('writes %d as eight digits', (word) => {
    const digits = (word >>> 0).toString(16).padStart(8, '0');
    expect(write((buffer) => { buffer.hex(word); })).toBe(digits); // prettier-ignore
  });

  it('writes any finite number as String does', () => {
    const edges = [0, -0, 1, -1, 0.1, 0.01, 0.001, 0.0001, 0.1 + 0.2, 1.005, 2_147_483.647, 2_147_483.648];
    const large = [1e6, 9_999_999, 1e7, 2 ** 31, 2 ** 53, 1e21, 1e300, Number.MAX_VALUE, Number.MIN_VALUE];
    const thousandths = Array.from({ length: 20_000 }, (_, index) => (index * 107) / 1_000);
    const { between } = createRandom(7);
    const random = Array.from({ length: 5_000 }, () => between(-0.2, 0.8) * 10 ** between(-8, 16));
    for (const value of [...edges, ...large, ...thousandths, ...random]) {
      expect(write((buffer) => { buffer.number(value); })).toBe(String(value)); // prettier-ignore
    }
  });

  it('keeps what waits while it grows, and while what was taken makes room', () => {
    const buffer = new LineBuffer(16);
    const taken: string[] = [];
    for (let index = 0; index < 1_000; index += 1) {
      buffer.text(`é${String(index)},`);
      buffer.bytes(Buffer.from(index % 7 === 0 ? 'x'.repeat(40) : 'y'));
      buffer.ascii(';');
      if (index % 3 === 0) {
        const count = Math.floor(buffer.length / 2);
        taken.push(buffer.view().subarray(0, count).toString('latin1'));
        buffer.drop(count);
      }
    }
    taken.push(buffer.view().toString('latin1'));
    const written = Buffer.from(taken.join(''), 'latin1').toString();
    const expected = Array.from(
      { length: 1_000 },
      (_, index) => `é${String(index)},${index % 7 === 0 ? 'x'.repeat(40) : 'y'};`,
    );
    expect(written).toBe(expected.join(''));
  });

  it('forgets what was appended after a length, also when that made it grow', () => {
    const buffer = new LineBuffer(16);
    buffer.text('gone,');
    buffer.text('kept');
    buffer.drop(5);
    const before = buffer.length;
    buffer.quoted('x'.repeat(90));
    buffer.truncate(before);
    expect(buffer.view().toString()).toBe('kept');
    buffer.text('!');
    expect(buffer.view().toString()).toBe('kept!');
  });

  it('gives back memory beyond the usual once it is empty', () => {
    const buffer = new LineBuffer(16);
    buffer.text('x'.repeat(1_000_000));
    expect(buffer.view().buffer.byteLength).toBeGreaterThan(1_000_000);
    buffer.drop(buffer.length);
    expect(buffer.view().buffer.byteLength).toBe(16);
  });
});
