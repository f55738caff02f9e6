import { ByteWriter } from './byte-writer.js';

/** What clients make up must not grow this for ever. */
const MAX_TEXTS = 4_096;
const MAX_LENGTH = 100;

const scratch = new ByteWriter();

/** Remembers how texts are written that are few and come again with each span: keys and names. */
export class KnownTexts {
  private readonly texts = new Map<string, Uint8Array>();

  constructor(private readonly encode: (writer: ByteWriter, text: string) => void) {}

  /** The text as it is written; undefined where it is not worth remembering or there is no room for it any more. */
  find(text: string): Uint8Array | undefined {
    return this.texts.get(text) ?? this.remember(text);
  }

  private remember(text: string): Uint8Array | undefined {
    if (this.texts.size >= MAX_TEXTS || text.length > MAX_LENGTH) return undefined;
    scratch.truncate(0);
    this.encode(scratch, text);
    const encoded = Uint8Array.from(scratch.view());
    this.texts.set(text, encoded);
    return encoded;
  }
}

const names = new KnownTexts((writer, name) => {
  writer.text(name);
});

/** The length and the text of the name of a span or of an event. */
export function encodeName(writer: ByteWriter, name: string): void {
  const known = names.find(name);
  if (known === undefined) writer.text(name);
  else writer.bytes(known);
}
