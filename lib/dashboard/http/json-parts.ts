/** Elements of a list that are written at once. */
const GROUP = 50;

/** The JSON of a value in parts: each is some members of a list, so that a list of many thousands can be written in turns. */
export function* jsonPartsOf(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    yield '[';
    for (let from = 0; from < value.length; from += GROUP) {
      const group = JSON.stringify(value.slice(from, from + GROUP)).slice(1, -1);
      yield from === 0 ? group : `,${group}`;
    }
    yield ']';
  } else if (isPlainObject(value)) {
    let separator = '{';
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${separator}${JSON.stringify(key)}:`;
      yield* jsonPartsOf(member);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  } else yield JSON.stringify(value);
}

/** Instances may have a way of their own to be written. */
function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
