import { type MongodbDocument } from './mongodb-module.interface.js';

const MAX_TEXT = 2048;
const MAX_DEPTH = 8;
/** Of a list, as a pipeline is one; documents to insert are not shown at all. */
const MAX_ITEMS = 16;

/** What of a command says what it does; the rest is of the session, the cursor or the driver. */
const SHOWN = [
  'filter',
  'query',
  'pipeline',
  'update',
  'updates',
  'deletes',
  'sort',
  'projection',
  'key',
  'fields',
  'hint',
  'indexes',
];

/** The name of a command: the first of its fields. */
export function commandName(command: MongodbDocument): string {
  for (const name in command) return name;
  return 'command';
}

/** The collection a command is about; undefined for one about a database, a session or the server. */
export function collectionOf(command: MongodbDocument, name: string): string | undefined {
  const target = name === 'getMore' ? command.collection : command[name];
  return typeof target === 'string' && target !== '' ? target : undefined;
}

/** Writes a command with its fields and operators, and `?` for each value: `{"find":"users","filter":{"age":{"$gt":"?"}}}`. */
export function describeMongodbCommand(
  command: MongodbDocument,
  name: string,
  collection: string | undefined,
): string {
  const shown: Record<string, unknown> = { [name]: collection ?? '?' };
  for (const field of SHOWN)
    if (field !== name && field in command) shown[field] = shapeOf(command[field], 0);
  return JSON.stringify(shown).slice(0, MAX_TEXT);
}

function shapeOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return '?';
  if (Array.isArray(value)) return shapeOfList(value, depth);
  // What is no plain document (ObjectId, Date, Buffer, RegExp) is a value.
  const prototype: unknown = Object.getPrototypeOf(value);
  const isMap = value instanceof Map;
  if (!isMap && prototype !== null && Object.getPrototypeOf(prototype) !== null) return '?';
  const entries: Iterable<[unknown, unknown]> = isMap
    ? (value as Map<unknown, unknown>)
    : Object.entries(value);
  const shape: Record<string, unknown> = {};
  for (const [key, inner] of entries) shape[String(key)] = shapeOf(inner, depth + 1);
  return shape;
}

/** A list of values (`$in`) has one shape however long it is. */
function shapeOfList(list: readonly unknown[], depth: number): unknown {
  const documents = list.filter((item) => typeof item === 'object' && item !== null && !Array.isArray(item));
  if (documents.length === 0) return list.length === 0 ? [] : '?';
  const shapes = documents.slice(0, MAX_ITEMS).map((item) => shapeOf(item, depth + 1));
  return shapes.every((shape) => shape === '?') ? '?' : shapes;
}
