import { types } from 'node:util';

/** Values, and characters of texts, that a value may have to be written without a bounded copy. */
const MAX_VALUES = 2_000;
const MAX_TEXT = 65_536;
const MAX_DEPTH = 12;

interface Room {
  values: number;
  text: number;
}

/**
 * Whether JSON can write `value` as it is, in bounded time: few values, none of them circular, and none that JSON shows
 * as `{}` or asks for another form. Looks at no more than it allows; where the answer is no, `copyBounded` makes a copy.
 */
export function fitsBounds(value: object): boolean {
  try {
    return fitsObject(value, { values: MAX_VALUES, text: MAX_TEXT }, 0);
  } catch {
    // A getter or a proxy threw.
    return false;
  }
}

function fitsObject(value: object, room: Room, depth: number): boolean {
  if (depth > MAX_DEPTH || types.isProxy(value)) return false;
  if (Array.isArray(value)) {
    return value.length <= room.values && value.every((item) => fits(item, room, depth + 1));
  }
  if (types.isDate(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  // What is no plain object may be a Map, an error or a document of an ORM.
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
    return false;
  if ('toJSON' in value) return false;
  const record = value as Readonly<Record<string, unknown>>;
  for (const key in record) {
    room.text -= key.length;
    if (!fits(record[key], room, depth + 1)) return false;
  }
  return true;
}

function fits(value: unknown, room: Room, depth: number): boolean {
  room.values -= 1;
  if (room.values < 0 || room.text < 0) return false;
  switch (typeof value) {
    case 'string':
      room.text -= value.length;
      return room.text >= 0;
    case 'object':
      return value === null || fitsObject(value, room, depth);
    case 'bigint':
      return false;
    default:
      return true;
  }
}
