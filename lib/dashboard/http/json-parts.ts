/** Elements of a list that are written at once. */
const GROUP = 50;
/** Deeper values are one part. */
const MAX_DEPTH = 12;

/** The JSON of a value in parts: a list of many thousands, wherever it is, can be written in turns. */
export function* jsonPartsOf(value: unknown, depth = 0): Generator<string> {
  if (depth < MAX_DEPTH && Array.isArray(value)) yield* listPartsOf(value, depth + 1);
  else if (depth < MAX_DEPTH && isPlainObject(value)) {
    let separator = '{';
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${separator}${JSON.stringify(key)}:`;
      yield* jsonPartsOf(member, depth + 1);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  } else yield value === undefined ? 'null' : JSON.stringify(value);
}

function* listPartsOf(list: readonly unknown[], depth: number): Generator<string> {
  yield '[';
  // A few may be large themselves.
  if (list.length < GROUP)
    for (const [index, element] of list.entries()) {
      if (index > 0) yield ',';
      yield* jsonPartsOf(element, depth);
    }
  else
    for (let from = 0; from < list.length; from += GROUP) {
      const group = JSON.stringify(list.slice(from, from + GROUP)).slice(1, -1);
      yield from === 0 ? group : `,${group}`;
    }
  yield ']';
}

/** Instances may have a way of their own to be written. */
function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
