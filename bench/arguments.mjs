// What a script of the bench is asked on its command line. Each kind of option says how its text is read; `fallback` is
// what an option is that was not given.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** A number above 0, or of at least `from`. */
export const number = (fallback, { from = Number.MIN_VALUE } = {}) => ({
  type: 'string',
  fallback,
  read: (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= from && value < Infinity) return value;
    throw new Error(`must be a number ${from === Number.MIN_VALUE ? 'above 0' : `of at least ${from}`}`);
  },
});

/** One of `names`, the first unless told. */
export const oneOf = (names) => ({
  type: 'string',
  fallback: names[0],
  read: (text) => {
    if (names.includes(text)) return text;
    throw new Error(`must be one of ${names.join(', ')}`);
  },
});

/** Some of `names`, with commas between them; all of them unless told. */
export const list = (names) => ({
  type: 'string',
  fallback: names,
  read: (text) => text.split(',').map(oneOf(names).read),
});

/** A path, from where the user is. */
export const path = () => ({ type: 'string', read: (text) => resolve(text) });

/** Texts with spaces between them. */
export const words = () => ({
  type: 'string',
  fallback: [],
  read: (text) => text.split(' ').filter((word) => word !== ''),
});

export const flag = () => ({ type: 'boolean', fallback: false, read: (value) => value });

const camelCase = (name) => name.replace(/-./g, ([, letter]) => letter.toUpperCase());

function readAs({ fallback, read }, given, name) {
  if (given === undefined) return fallback;
  try {
    return read(given);
  } catch (error) {
    throw new Error(`${name} ${error.message}, not ${given}`, { cause: error });
  }
}

/** What may be asked, and what is taken where nothing is. */
function describe(kinds, commands) {
  const options = Object.entries(kinds).map(([name, { type, fallback }]) => {
    const otherwise = fallback === undefined || fallback?.length === 0 ? '' : `  (${String(fallback)})`;
    return `  --${name}${type === 'string' ? ' …' : ''}${otherwise}`;
  });
  return [...(commands.length > 0 ? [`  ${commands.join(' | ')}`] : []), ...options].join('\n');
}

/**
 * The options as they were given, names in camelCase, and `command`, one of `commands`, the first unless told. Says what makes no
 * sense and ends the process then.
 */
export function readArguments(kinds, commands = []) {
  try {
    const { values, positionals } = parseArgs({
      options: {
        ...Object.fromEntries(Object.entries(kinds).map(([name, { type }]) => [name, { type }])),
        help: { type: 'boolean' },
      },
      allowPositionals: commands.length > 0,
    });
    if (values.help) {
      console.log(describe(kinds, commands));
      process.exit(0);
    }
    const read = Object.entries(kinds).map(([name, kind]) => [
      camelCase(name),
      readAs(kind, values[name], `--${name}`),
    ]);
    const given = positionals.length === 0 ? undefined : positionals.join(' ');
    return { ...Object.fromEntries(read), command: readAs(oneOf(commands), given, 'the command') };
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
