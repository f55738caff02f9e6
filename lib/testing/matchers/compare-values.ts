import { types } from 'node:util';

import { isRecord } from '../../config/option-rules.js';

/** `expect.any(String)` and the like, of jest and of vitest. */
interface AsymmetricMatcher {
  asymmetricMatch(actual: unknown): boolean;
  toAsymmetricMatcher?: () => string;
  toString(): string;
  readonly sample?: unknown;
}

function isAsymmetric(value: unknown): value is AsymmetricMatcher {
  return isRecord(value) && typeof value.asymmetricMatch === 'function';
}

/** Whether a value is the expected one, at any depth: an asymmetric matcher, a pattern of a text, or equal. */
export function matches(actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  if (types.isRegExp(expected)) return typeof actual === 'string' && matchesPattern(actual, expected);
  if (Array.isArray(expected))
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, index) => matches(actual[index], item))
    );
  if (isRecord(expected))
    return (
      isRecord(actual) &&
      Object.keys(actual).every((key) => Object.hasOwn(expected, key)) &&
      hasAll(actual, expected)
    );
  return Object.is(actual, expected);
}

/** Whether a record has at least what is expected; an expected undefined is for what is absent. */
export function hasAll(
  actual: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): boolean {
  return Object.entries(expected).every(([key, value]) => matches(actual[key], value));
}

/** Whether a text is the expected one, or matches the pattern. */
export function matchesText(actual: string, expected: string | RegExp): boolean {
  return typeof expected === 'string' ? actual === expected : matchesPattern(actual, expected);
}

/** A pattern with the flag `g` would go on where it stopped. */
function matchesPattern(text: string, pattern: RegExp): boolean {
  return text.search(pattern) !== -1;
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (isAsymmetric(value)) return showAsymmetric(value);
  if (types.isRegExp(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([key, entry]) => `${showKey(key)}: ${show(entry)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function showAsymmetric(matcher: AsymmetricMatcher): string {
  const name = matcher.toString();
  return matcher.toAsymmetricMatcher?.() ?? `${name} ${show(matcher.sample)}`;
}

function showKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}

/** Something that is not as expected. */
export interface Difference {
  /** `status`, `attributes["order.id"]` */
  readonly what: string;
  readonly expected: unknown;
  readonly received: unknown;
}

/** The values of a record that are not as expected. */
export function differingValues(
  actual: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
  nameOf: (key: string) => string,
): Difference[] {
  return Object.entries(expected)
    .filter(([key, value]) => !matches(actual[key], value))
    .map(([key, value]) => ({ what: nameOf(key), expected: value, received: actual[key] }));
}

/** Lines of a message, one a difference. */
export function showDifferences(differences: readonly Difference[]): string {
  return differences
    .map(
      ({ what, expected, received }) => `  ${what}: expected ${show(expected)}, received ${show(received)}`,
    )
    .join('\n');
}
