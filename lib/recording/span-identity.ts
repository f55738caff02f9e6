const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The eight hexadecimal digits of 32 bits. */
export function hexOf(word: number): string {
  return (
    digitsOf(word >>> 24) +
    digitsOf((word >>> 16) & 0xff) +
    digitsOf((word >>> 8) & 0xff) +
    digitsOf(word & 0xff)
  );
}

/** Two hexadecimal digits. */
function digitsOf(byte: number): string {
  return BYTES[byte] ?? '';
}

/** 32 random bits. `Math.random()` is seeded by the engine once per process; asking the system for each id costs 30 times as much. */
export function randomWord(): number {
  return (Math.random() * 0x1_0000_0000) | 0;
}

/** The 32 bits that eight hexadecimal digits from `start` say. */
export function wordAt(text: string, start: number): number {
  let word = 0;
  for (let index = start; index < start + 8; index += 1) word = (word << 4) | digitOf(text.charCodeAt(index));
  return word;
}

function digitOf(code: number): number {
  // 0–9 are 48–57; A–F and a–f count from 1 in their last four bits.
  return code < 58 ? code - 48 : (code & 0xf) + 9;
}

/** The 128 bits that all spans of a local trace share; their text is made when somebody asks for it. */
export class TraceId {
  private text: string | undefined;

  private constructor(
    readonly a: number,
    readonly b: number,
    readonly c: number,
    readonly d: number,
    text?: string,
  ) {
    this.text = text;
  }

  static random(): TraceId {
    const d = randomWord();
    // All zeros is the invalid id.
    return new TraceId(randomWord(), randomWord(), randomWord(), d === 0 ? 1 : d);
  }

  static parse(text: string): TraceId {
    return new TraceId(wordAt(text, 0), wordAt(text, 8), wordAt(text, 16), wordAt(text, 24), text);
  }

  toString(): string {
    return (this.text ??= hexOf(this.a) + hexOf(this.b) + hexOf(this.c) + hexOf(this.d));
  }
}
