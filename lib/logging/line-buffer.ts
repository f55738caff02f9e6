import { CHARACTER_HINTS } from '../redaction/secret-patterns.js';

/** From here on the engine's own escaping and encoding beat looking at each character. */
export const LONG_TEXT = 100;
/** Characters that JSON must escape: all but space, `!`, `#` to `[`, and those after the backslash. */
const NEEDS_ESCAPE = /[^ !#-[\]-\uffff]/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LAST_ASCII = 0x7f;
const ZERO = 0x30;
const ESCAPE = 0xff;
const POINT = 0x2e;
/** Of a number with at most seven digits in front of the point. */
const MAX_THOUSANDTHS = 2 ** 31 - 1;
/** What a character is: hints of redaction, or that it must be escaped. */
const CHARACTERS = CHARACTER_HINTS.map((hint, code) =>
  code < SPACE || code === QUOTE || code === BACKSLASH ? ESCAPE : hint,
);
const HEX_DIGITS = Uint8Array.from(Buffer.from('0123456789abcdef'));

/**
 * Lines as bytes, for a destination that takes bytes. JSON is made in place: flattening and
 * encoding a text of twenty parts costs more than all the rest of writing a line.
 */
export class LineBuffer {
  private buffer: Buffer;
  private start = 0;
  private end = 0;

  /**
   * @param usualBytes what it holds without growing; memory beyond is given back when it is empty
   */
  constructor(private readonly usualBytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(usualBytes);
  }

  /** Bytes that wait. */
  get length(): number {
    return this.end - this.start;
  }

  /** What waits, in place: valid until the next change. */
  view(): Buffer {
    return this.buffer.subarray(this.start, this.end);
  }

  /** Forgets the first `count` bytes, which have been taken. */
  drop(count: number): void {
    this.start += count;
    if (this.start === this.end) this.truncate(0);
  }

  /** Forgets what was appended after `length`. */
  truncate(length: number): void {
    this.end = this.start + length;
    if (length > 0) return;
    this.start = 0;
    this.end = 0;
    if (this.buffer.length > this.usualBytes) this.buffer = Buffer.allocUnsafeSlow(this.usualBytes);
  }

  bytes(source: Uint8Array): void {
    const { length } = source;
    this.reserve(length);
    if (length > 32) {
      this.buffer.set(source, this.end);
      this.end += length;
      return;
    }
    const { buffer } = this;
    let { end } = this;
    for (let index = 0; index < length; index += 1) buffer[end++] = source[index] ?? 0;
    this.end = end;
  }

  /** Text as it is. */
  text(text: string): void {
    // Three bytes at most for each UTF-16 unit.
    this.reserve(text.length * 3);
    this.end += this.buffer.write(text, this.end);
  }

  /** Text of nothing but ASCII: of numbers, for example. */
  ascii(text: string): void {
    this.reserve(text.length);
    const { buffer } = this;
    let { end } = this;
    for (let index = 0; index < text.length; index += 1) buffer[end++] = text.charCodeAt(index);
    this.end = end;
  }

  /** A finite number, as `String` writes it. */
  number(value: number): void {
    // Most are counts or have three digits of fraction at most: their thousandths are an integer.
    const thousandths = Math.round(value * 1_000);
    if (thousandths < 0 || thousandths > MAX_THOUSANDTHS || thousandths / 1_000 !== value)
      this.ascii(String(value));
    else this.thousandths(thousandths);
  }

  /** Text as a value of JSON. */
  quoted(text: string): void {
    if (text.length > LONG_TEXT) this.text(JSON.stringify(text));
    else if (this.quotedAscii(text) < 0) this.text(isPlain(text) ? `"${text}"` : JSON.stringify(text));
  }

  /** The eight hexadecimal digits of 32 bits. */
  hex(word: number): void {
    this.reserve(8);
    const { buffer } = this;
    let { end } = this;
    for (let shift = 28; shift >= 0; shift -= 4) buffer[end++] = HEX_DIGITS[(word >>> shift) & 0xf] ?? 0;
    this.end = end;
  }

  private thousandths(value: number): void {
    const whole = Math.trunc(value / 1_000);
    let fraction = value - whole * 1_000;
    this.digits(whole);
    if (fraction === 0) return;
    this.reserve(4);
    this.buffer[this.end++] = POINT;
    for (let place = 100; fraction > 0; place /= 10) {
      const digit = Math.trunc(fraction / place);
      this.buffer[this.end++] = ZERO + digit;
      fraction -= digit * place;
    }
  }

  /** A whole number of up to seven digits. */
  private digits(value: number): void {
    this.reserve(7);
    let place = 1;
    while (place * 10 <= value) place *= 10;
    for (let rest = value; place >= 1; place /= 10) {
      const digit = Math.trunc(rest / place);
      this.buffer[this.end++] = ZERO + digit;
      rest -= digit * place;
    }
  }

  /**
   * Text as a value of JSON, where it is short, ASCII and needs no escapes. Returns the hints of
   * its characters for `areHarmless()`, or -1, with nothing appended, for any other text.
   */
  quotedAscii(text: string): number {
    this.reserve(text.length + 2);
    const { buffer } = this;
    let { end } = this;
    let hints = 0;
    buffer[end++] = QUOTE;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      const hint = code > LAST_ASCII ? ESCAPE : (CHARACTERS[code] ?? ESCAPE);
      if (hint === ESCAPE) return -1;
      hints |= hint;
      buffer[end++] = code;
    }
    buffer[end++] = QUOTE;
    this.end = end;
    return hints;
  }

  private reserve(count: number): void {
    if (this.end + count > this.buffer.length) this.makeRoom(count);
  }

  private makeRoom(count: number): void {
    const waiting = this.view();
    const size = waiting.length + count;
    // In place only where that frees half of it: moving many bytes for each line costs more.
    if (size > this.buffer.length / 2) this.buffer = Buffer.allocUnsafeSlow(size * 2);
    this.buffer.set(waiting);
    this.start = 0;
    this.end = waiting.length;
  }
}

/**
 * Whether a text is the same in JSON and can be written as UTF-8: half of a surrogate pair cannot.
 */
function isPlain(text: string): boolean {
  return !NEEDS_ESCAPE.test(text) && text.isWellFormed();
}

/** A destination that takes bytes: open it, append one line, then call `appended()`. */
export interface LineBytes {
  /** Undefined where lines are being dropped. */
  readonly open: () => LineBuffer | undefined;
  readonly appended: () => void;
}

/** Where lines end up, reduced to what the sink needs. */
export interface Destination {
  readonly write: (line: string) => void;
  /** Absent where lines are read as texts. */
  readonly bytes?: LineBytes;
  readonly flush: () => void;
  readonly close: () => void;
}
