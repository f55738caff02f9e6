import { type Attributes } from '@opentelemetry/api';

import { type AttributeList } from '../../../recording/attribute-list.js';
import { ByteWriter } from './byte-writer.js';

/** Keys are few and come again with each span; what a client makes up must not grow this for ever. */
const MAX_KEYS = 4_096;
const MAX_KEY_LENGTH = 100;

/** Field 1 of `KeyValue`, complete. */
const encodedKeys = new Map<string, Uint8Array>();
/** What frozen records of attributes look like, by their identity; as field 1, 3, 6 or 9 they differ in the tag alone. */
const encodedRecords = new WeakMap<object, Map<number, Uint8Array>>();

const scratch = new ByteWriter();

/** Writes `repeated KeyValue` with this tag. */
export function encodeAttributeList(writer: ByteWriter, tag: number, list: AttributeList): void {
  const { base, entries } = list;
  if (base !== undefined) encodeFrozen(writer, tag, base);
  for (let index = 0; index < entries.length; index += 2)
    encodeKeyValue(writer, tag, entries[index] as string, entries[index + 1]);
}

/** The same for a record. */
export function encodeAttributes(writer: ByteWriter, tag: number, attributes: Readonly<Attributes>): void {
  for (const key in attributes) {
    if (Object.hasOwn(attributes, key)) encodeKeyValue(writer, tag, key, attributes[key]);
  }
}

function encodeFrozen(writer: ByteWriter, tag: number, attributes: Readonly<Attributes>): void {
  let byTag = encodedRecords.get(attributes);
  if (byTag === undefined) encodedRecords.set(attributes, (byTag = new Map<number, Uint8Array>()));
  let bytes = byTag.get(tag);
  if (bytes === undefined) {
    scratch.truncate(0);
    encodeAttributes(scratch, tag, attributes);
    bytes = Uint8Array.from(scratch.view());
    byTag.set(tag, bytes);
  }
  writer.bytes(bytes);
}

export function encodeKeyValue(writer: ByteWriter, tag: number, key: string, value: unknown): void {
  writer.byte(tag);
  const start = writer.open(1);
  encodeKey(writer, key);
  writer.byte(0x12);
  const valueStart = writer.open(1);
  encodeAnyValue(writer, value);
  writer.close(valueStart, 1);
  writer.close(start, 1);
}

function encodeKey(writer: ByteWriter, key: string): void {
  const known = encodedKeys.get(key);
  if (known !== undefined) {
    writer.bytes(known);
    return;
  }
  const start = writer.length;
  writer.byte(0x0a);
  writer.text(key);
  if (encodedKeys.size < MAX_KEYS && key.length <= MAX_KEY_LENGTH)
    encodedKeys.set(key, Uint8Array.from(writer.view().subarray(start)));
}

/** Writes the one field of an `AnyValue` that its kind asks for; nothing for null, which is an empty one. */
export function encodeAnyValue(writer: ByteWriter, value: unknown): void {
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
  // What int64 cannot say is a double, as is anything with a fraction.
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
      const itemStart = writer.open(1);
      encodeAnyValue(writer, item);
      writer.close(itemStart, 1);
    }
  } else encodeAttributes(writer, 0x0a, value as Attributes);
  writer.close(start, 1);
}
