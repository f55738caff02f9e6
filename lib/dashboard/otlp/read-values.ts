import { redaction } from '../../redaction/active-redaction.js';
import { badRequest } from '../http/dashboard-error.js';
import { type JsonValue } from '../reader/answers/answer-parts.interface.js';
import { MAX_NAME } from '../sqlite/describe-rows.js';

type Fields = Readonly<Record<string, unknown>>;

/** Deeper values are left out. */
const MAX_DEPTH = 16;
/** Longer texts are cut, as those of the application itself are. */
const MAX_TEXT = 16_384;
/** Values and characters of one span, data point, log record or resource; what exceeds them is left out. */
const MAX_VALUES = 5_000;
const MAX_CHARACTERS = 262_144;
/** Clocks differ, but not by more than a day. */
const MAX_AHEAD_US = 24 * 3_600_000_000;
/** A text that is a number: not `0x10`, and no spaces. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** How much of one item is kept. */
export class ItemRoom {
  private values = MAX_VALUES;
  private characters = MAX_CHARACTERS;
  /** Whether something was cut or left out. */
  isCut = false;

  /** @param maxText characters of one text */
  constructor(private readonly maxText = MAX_TEXT) {}

  /** Whether there is room for one more value. */
  takeValue(): boolean {
    this.values -= 1;
    if (this.values >= 0 && this.characters > 0) return true;
    this.isCut = true;
    return false;
  }

  /** The text, or its beginning. */
  takeText(text: string, max = this.maxText): string {
    const room = Math.max(0, Math.min(max, this.characters));
    this.characters -= Math.min(text.length, room);
    if (text.length <= room) return text;
    this.isCut = true;
    return `${text.slice(0, room)}…`;
  }
}

/** The object at `name`; empty when it is missing. @throws DashboardError 400 when it is something else */
export function objectAt(parent: Fields, name: string): Fields {
  const value = parent[name] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw badRequest(`${name} is no object.`);
  return value as Fields;
}

/** The list of objects at `name`; empty when it is missing. @throws DashboardError 400 when it is something else */
export function listAt(parent: Fields, name: string): readonly Fields[] {
  const value = parent[name] ?? [];
  if (!Array.isArray(value)) throw badRequest(`${name} is no list.`);
  for (const each of value as unknown[])
    if (typeof each !== 'object' || each === null || Array.isArray(each))
      throw badRequest(`${name} has something in it that is no object.`);
  return value as readonly Fields[];
}

export function textAt(parent: Fields, name: string): string {
  const value = parent[name];
  return typeof value === 'string' ? value : '';
}

/** A number, written as one or as a text, finite or not; undefined when it is missing or none. */
export function numberAt(parent: Fields, name: string): number | undefined {
  return toNumber(parent[name]);
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  return NUMBER.test(value) || /^(?:NaN|-?Infinity)$/.test(value) ? Number(value) : undefined;
}

/** A finite number; undefined when it is missing, none or not finite. */
export function finiteAt(parent: Fields, name: string): number | undefined {
  const number = numberAt(parent, name);
  return Number.isFinite(number) ? number : undefined;
}

/** A whole number from `min` to `max`; undefined when it is none of these, and `otherwise` when it is missing. */
export function integerAt(
  parent: Fields,
  name: string,
  [min, max]: readonly [min: number, max: number],
  otherwise?: number,
): number | undefined {
  const value = parent[name] ?? undefined;
  return value === undefined ? otherwise : integerOf(value, min, max);
}

/** The numbers of a list; undefined when it is too long, or when one is no whole number from 0 on. */
export function countsAt(parent: Fields, name: string, maxLength: number): number[] | undefined {
  return numbersAt(parent, name, maxLength, (value) => integerOf(value, 0, Number.MAX_SAFE_INTEGER));
}

/** The numbers of a list; undefined when it is too long, or when they are not finite and rising. */
export function boundsAt(parent: Fields, name: string, maxLength: number): number[] | undefined {
  return numbersAt(parent, name, maxLength, (value, before = -Infinity) => {
    const bound = toNumber(value);
    return Number.isFinite(bound) && Number(bound) > before ? bound : undefined;
  });
}

function numbersAt(
  parent: Fields,
  name: string,
  maxLength: number,
  read: (value: unknown, before: number | undefined) => number | undefined,
): number[] | undefined {
  const list = parent[name] ?? [];
  if (!Array.isArray(list) || list.length > maxLength) return undefined;
  const numbers: number[] = [];
  for (const value of list as unknown[]) {
    const number = read(value, numbers.at(-1));
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  return numbers;
}

function integerOf(value: unknown, min: number, max: number): number | undefined {
  const number = toNumber(value);
  return number !== undefined && Number.isSafeInteger(number) && number >= min && number <= max
    ? number
    : undefined;
}

/**
 * Microseconds since the epoch of what is written in nanoseconds; undefined when it is missing, none,
 * or more than a day ahead of this machine's clock.
 */
export function microsecondsAt(parent: Fields, name: string, now = Date.now()): number | undefined {
  const value = parent[name];
  let time: number | undefined;
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) time = Number(BigInt(value) / 1_000n);
  else if (typeof value === 'number' && value >= 0) time = Math.round(value / 1_000);
  return time !== undefined && time <= now * 1_000 + MAX_AHEAD_US ? time : undefined;
}

/** An id of that many digits, in lower case; undefined when it is none, or all zero. */
export function idAt(parent: Fields, name: string, digits: 16 | 32): string | undefined {
  const value = parent[name];
  if (typeof value !== 'string' || value.length !== digits || !/^[\da-f]+$/i.test(value)) return undefined;
  return /^0+$/.test(value) ? undefined : value.toLowerCase();
}

/** The attributes of something, without secrets; what has no value is left out, and the last of a name counts. */
export function attributesAt(parent: Fields, room = new ItemRoom()): Record<string, JsonValue> {
  return readAttributeList(listAt(parent, 'attributes'), room, 0);
}

function readAttributeList(
  list: readonly Fields[],
  room: ItemRoom,
  depth: number,
): Record<string, JsonValue> {
  const attributes: Record<string, JsonValue> = {};
  for (const entry of list) {
    if (!room.takeValue()) break;
    const key = room.takeText(textAt(entry, 'key'), MAX_NAME);
    const value = readValue(objectAt(entry, 'value'), room, depth);
    if (value !== undefined) setMember(attributes, key, redaction().attribute(key, value));
  }
  return attributes;
}

/** Sets a member of that name; `__proto__` is a name like any other. */
export function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** What an `AnyValue` says; undefined for none. */
export function readValue(value: Fields, room = new ItemRoom(), depth = 0): JsonValue | undefined {
  if (depth > MAX_DEPTH) {
    room.isCut = true;
    return undefined;
  }
  if (typeof value.stringValue === 'string') return room.takeText(value.stringValue);
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  if (value.intValue !== undefined) return readInteger(value, room);
  if (value.doubleValue !== undefined) return readDouble(value);
  if (value.arrayValue !== undefined) {
    const values: JsonValue[] = [];
    for (const each of listAt(objectAt(value, 'arrayValue'), 'values')) {
      if (!room.takeValue()) break;
      values.push(readValue(each, room, depth + 1) ?? null);
    }
    return values;
  }
  if (value.kvlistValue !== undefined)
    return readAttributeList(listAt(objectAt(value, 'kvlistValue'), 'values'), room, depth + 1);
  return typeof value.bytesValue === 'string' ? room.takeText(value.bytesValue) : undefined;
}

/** As a text when it is too big for a number. */
function readInteger(value: Fields, room: ItemRoom): JsonValue | undefined {
  const number = numberAt(value, 'intValue');
  return number === undefined || Number.isSafeInteger(number)
    ? number
    : room.takeText(String(value.intValue), 40);
}

/** JSON has no words for what is not finite. */
function readDouble(value: Fields): JsonValue | undefined {
  const number = numberAt(value, 'doubleValue');
  return number === undefined || Number.isFinite(number) ? number : String(number);
}
