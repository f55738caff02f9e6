import { EncodedStringCache } from '../../lib/engine/encoding/encode-attributes.js';

describe('EncodedStringCache', () => {
  const createTexts = (): EncodedStringCache =>
    new EncodedStringCache((writer, text) => {
      writer.text(text);
    });

  it('gives the same bytes each time', () => {
    const texts = createTexts();
    const first = texts.find('größe');
    expect(Buffer.from(first!).toString()).toBe('\u0007größe');
    expect(texts.find('größe')).toBe(first);
  });

  it('remembers no more than it has room for, and what came before for good', () => {
    const texts = createTexts();
    const first = texts.find('text 0');
    for (let index = 1; index < 4_096; index += 1) expect(texts.find(`text ${index}`)).toBeDefined();
    expect(texts.find('one more')).toBeUndefined();
    expect(texts.find('text 0')).toBe(first);
  });

  it('does not remember long texts', () => {
    const texts = createTexts();
    expect(texts.find('x'.repeat(100))).toBeDefined();
    expect(texts.find('x'.repeat(101))).toBeUndefined();
  });
});
