/** Stands for every operation that has no name. */
const UNNAMED = '<anonymous>';

/** Stands for requests whose operation could not be found: they do not parse, are not valid, or name another one. */
export const UNRESOLVED = '<unresolved>';

/** Stands for every name after the first ones. */
const OTHER = '_OTHER';

/** An application has tens of operations; whoever sends more names than that is playing. */
const MAX_NAMES = 200;

/** Nobody writes longer ones by hand; they would only fill what keeps them. */
const MAX_LENGTH = 128;

const names = new Set<string>();

/**
 * Gives the name of an operation as it may appear in span names and labels: the client chooses it, so only the first
 * 200 names of this process are kept apart.
 */
export function boundOperationName(name: string | null | undefined): string {
  if (name === undefined || name === null || name === '') return UNNAMED;
  if (names.has(name)) return name;
  if (names.size >= MAX_NAMES || name.length > MAX_LENGTH) return OTHER;
  names.add(name);
  return name;
}

/** Gives a name as it may appear in an attribute of a span. */
export function cutName(name: string): string {
  return name.length > MAX_LENGTH ? name.slice(0, MAX_LENGTH) : name;
}
