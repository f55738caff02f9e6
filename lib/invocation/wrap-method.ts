import { processWide } from '../process/process-wide.js';

export type AnyMethod = (this: unknown, ...args: unknown[]) => unknown;

/** Which wrappers a function carries already; registered, so that two copies of this package do not wrap twice. */
const MARKERS = Symbol.for('nestjs-telemetry.wrapped-by');

/** What each wrapper stands in for, whichever copy of this package has made it. */
const originals = processWide('wrapped-originals', () => new WeakMap<object, AnyMethod>());

/** Own properties of every function, which each wrapper has itself or which cannot be copied. */
const OWN_TO_EACH_FUNCTION = new Set<PropertyKey>([
  'length',
  'name',
  'prototype',
  'arguments',
  'caller',
  MARKERS,
]);

/** What reflect-metadata adds to `Reflect`, when the application loaded it. */
interface MetadataReflection {
  readonly getOwnMetadataKeys?: (target: object) => unknown[];
  readonly getOwnMetadata?: (key: unknown, target: object) => unknown;
  readonly defineMetadata?: (key: unknown, value: unknown, target: object) => void;
}

/**
 * Returns what stands in for `original`: the function that `makeWrapper` makes, with the `name`, `length`, own
 * properties and Reflect metadata of the original; or `original` itself when it carries `marker` already.
 *
 * What other decorators said before (roles, routes, `@OnEvent`, `@Cron`, Swagger) is copied; what they say later lands on the
 * wrapper, which is what the class then holds. The wrapper of an async or generator function is an ordinary one.
 */
export function wrapMethod<M extends AnyMethod>(
  original: M,
  makeWrapper: (original: M) => M,
  marker: symbol,
): M {
  if (isMarked(original, marker)) return original;
  const wrapper = makeWrapper(original);
  copyOwnProperties(original, wrapper);
  copyMetadata(original, wrapper);
  markMethod(wrapper, marker, ...markersOf(original));
  originals.set(wrapper, original);
  return wrapper;
}

/** The method as it was written, below all wrappers of this package. */
export function originalOf(method: AnyMethod): AnyMethod {
  let original = method;
  for (let below = originals.get(original); below !== undefined; below = originals.get(original))
    original = below;
  return original;
}

/** True when a wrapper with this marker is somewhere in `method`. */
export function isMarked(method: object, marker: symbol): boolean {
  return markersOf(method).has(marker);
}

/** Makes `isMarked` true for these markers. */
export function markMethod(method: object, ...markers: readonly symbol[]): void {
  const value = new Set([...markersOf(method), ...markers]);
  Object.defineProperty(method, MARKERS, { value, configurable: true });
}

function markersOf(method: object): ReadonlySet<symbol> {
  const own: unknown = Object.getOwnPropertyDescriptor(method, MARKERS)?.value;
  return own instanceof Set ? (own as Set<symbol>) : new Set();
}

function copyOwnProperties(from: AnyMethod, to: AnyMethod): void {
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(to, key, { value: from[key], configurable: true });
  }
  for (const key of Reflect.ownKeys(from)) {
    if (OWN_TO_EACH_FUNCTION.has(key)) continue;
    const descriptor = Object.getOwnPropertyDescriptor(from, key);
    if (descriptor !== undefined) Object.defineProperty(to, key, descriptor);
  }
}

function copyMetadata(from: AnyMethod, to: AnyMethod): void {
  const { getOwnMetadataKeys, getOwnMetadata, defineMetadata } = Reflect as MetadataReflection;
  if (getOwnMetadataKeys === undefined || getOwnMetadata === undefined || defineMetadata === undefined)
    return;
  for (const key of getOwnMetadataKeys(from)) defineMetadata(key, getOwnMetadata(key, from), to);
}
