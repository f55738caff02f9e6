import type { Attributes } from '@opentelemetry/api';

import type { ListedAttributes } from '../span-view.js';
import { ByteWriter, MAX_SHORT, SHORT_VALUE_ROOM, writeShortValue } from './byte-writer.js';

/** What clients make up must not grow this for ever. */
const MAX_TEXTS = 4_096;
const MAX_LENGTH = 100;

const textScratch = new ByteWriter();

/** Remembers how texts are written that are few and come again with each span: keys and names. */
export class EncodedStringCache {
  private readonly texts = new Map<string, Uint8Array>();

  constructor(private readonly encode: (writer: ByteWriter, text: string) => void) {}

  /** The text as it is written; undefined where it is not worth remembering or there is no room for it any more. */
  find(text: string): Uint8Array | undefined {
    return this.texts.get(text) ?? this.remember(text);
  }

  private remember(text: string): Uint8Array | undefined {
    if (this.texts.size >= MAX_TEXTS || text.length > MAX_LENGTH) return undefined;
    textScratch.truncate(0);
    this.encode(textScratch, text);
    const encoded = Uint8Array.from(textScratch.view());
    this.texts.set(text, encoded);
    return encoded;
  }
}

const names = new EncodedStringCache((writer, name) => {
  writer.text(name);
});

/** The length and the text of the name of a span or of an event. */
export function encodeName(writer: ByteWriter, name: string): void {
  const known = names.find(name);
  if (known === undefined) writer.text(name);
  else writer.bytes(known);
}

/** Field 1 of `KeyValue`, complete, and the tag of field 2. */
const keys = new EncodedStringCache((writer, key) => {
  writer.byte(0x0a);
  writer.text(key);
  writer.byte(0x12);
});

/** What frozen records of attributes look like, by their identity and by the number of the field that they are. */
const encodedRecords = new WeakMap<object, (Uint8Array | undefined)[]>();

const scratch = new ByteWriter();

/** Writes `repeated KeyValue` with this tag. */
export function encodeAttributeList(writer: ByteWriter, tag: number, list: ListedAttributes): void {
  const { base, entries } = list;
  if (base !== undefined) encodeFrozen(writer, tag, base);
  for (let index = 0; index < entries.length; index += 2)
    encodeKeyValue(writer, tag, entries[index] as string, entries[index + 1]);
}

/** The same for a record. */
export function encodeAttributes(writer: ByteWriter, tag: number, attributes: Readonly<Attributes>): void {
  for (const key in attributes) {
    // V8 answers hasOwnProperty() for a for-in key from the hidden class; `Object.hasOwn()` is a real call.
    if (Object.prototype.hasOwnProperty.call(attributes, key))
      encodeKeyValue(writer, tag, key, attributes[key]);
  }
}

function encodeFrozen(writer: ByteWriter, tag: number, attributes: Readonly<Attributes>): void {
  let byField = encodedRecords.get(attributes);
  if (byField === undefined) encodedRecords.set(attributes, (byField = []));
  writer.bytes((byField[tag >>> 3] ??= keepAttributes(tag, attributes)));
}

function keepAttributes(tag: number, attributes: Readonly<Attributes>): Uint8Array {
  scratch.truncate(0);
  encodeAttributes(scratch, tag, attributes);
  return Uint8Array.from(scratch.view());
}

/** Writes one `KeyValue` with this tag. */
export function encodeKeyValue(writer: ByteWriter, tag: number, key: string, value: unknown): void {
  const known = keys.find(key);
  if (known !== undefined && writeShortKeyValue(writer, tag, known, value)) return;
  writer.byte(tag);
  const start = writer.open(1);
  writer.byte(0x0a);
  writer.text(key);
  writer.byte(0x12);
  encodeValue(writer, value);
  writer.close(start, 1);
}

/** Writes a pair each of whose lengths is one byte, in one go; returns false, and has written nothing, for any other. */
function writeShortKeyValue(writer: ByteWriter, tag: number, key: Uint8Array, value: unknown): boolean {
  writer.reserve(2 + key.length + SHORT_VALUE_ROOM);
  const { buffer, data, length: start } = writer;
  buffer.set(key, start + 2);
  const end = writeShortValue(buffer, data, start + 2 + key.length, value);
  const length = end - start - 2;
  if (end === 0 || length > MAX_SHORT) return false;
  buffer[start] = tag;
  buffer[start + 1] = length;
  writer.length = end;
  return true;
}

/** The length of an `AnyValue` and the value. */
export function encodeValue(writer: ByteWriter, value: unknown): void {
  writer.reserve(SHORT_VALUE_ROOM);
  const end = writeShortValue(writer.buffer, writer.data, writer.length, value);
  if (end !== 0) {
    writer.length = end;
    return;
  }
  const start = writer.open(1);
  encodeAnyValue(writer, value);
  writer.close(start, 1);
}

/** Writes the one field of an `AnyValue` that its kind asks for; nothing for null, which is an empty one. */
function encodeAnyValue(writer: ByteWriter, value: unknown): void {
  switch (typeof value) {
    case 'string':
      writer.byte(0x0a);
      writer.text(value);
      return;
    case 'boolean':
      writer.byte(0x10);
      writer.byte(value ? 1 : 0);
      return;
    case 'number':
      encodeNumber(writer, value);
      return;
    case 'object':
      if (value !== null) encodeObject(writer, value);
  }
}

function encodeNumber(writer: ByteWriter, value: number): void {
  // A number outside of int64 is a double, as is one with a fraction.
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
    writer.byte(0x18);
    writer.int64(value);
    return;
  }
  writer.byte(0x21);
  writer.double(value);
}

function encodeObject(writer: ByteWriter, value: object): void {
  if (value instanceof Uint8Array) {
    writer.byte(0x3a);
    writer.varint(value.length);
    writer.bytes(value);
    return;
  }
  const isList = Array.isArray(value);
  writer.byte(isList ? 0x2a : 0x32);
  const start = writer.open(1);
  if (isList) {
    for (const item of value as unknown[]) {
      writer.byte(0x0a);
      encodeValue(writer, item);
    }
  } else encodeAttributes(writer, 0x0a, value as Attributes);
  writer.close(start, 1);
}
