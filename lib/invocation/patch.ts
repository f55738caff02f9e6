import { type Undo, undoAll } from '../process/undo-all.js';
import { type AnyMethod } from './wrap-method.js';

/** A method of any signature. */
export type Method = (this: never, ...args: never[]) => unknown;

/** A patch that is laid over a method. */
export interface Patch {
  /**
   * False once undone: a patch that another library has patched over stays in place and must pass
   * calls through.
   */
  active: boolean;
}

/** How a method is patched. */
export interface PatchOptions {
  /**
   * Whether all who patch a method of that name share one replacement, which the undo of the last
   * one takes off, and methods stay untouched that another instrumentation has wrapped: for the
   * classes of libraries, where no call may get two spans. Default false.
   */
  readonly once?: boolean;
}

/**
 * A patch that is shared: two copies of this package know each other by it, so its shape must stay
 * compatible.
 */
interface SharedPatch extends Patch {
  /** Missing where an older copy of this package has made it. */
  users?: number;
  restore?: () => void;
}

/** Gets the original, which the caller knows the type of, and returns what stands in for it. */
type Wrap = (original: never, state: Patch, name: string) => Method;

const NOTHING: Undo = () => undefined;

/**
 * Replaces methods of `target`, an instance or a prototype, by what `wrap` makes of each; returns
 * the undo. The replacements have name and length of the originals. Methods that `target` lacks,
 * and a target that is frozen, stay as they are.
 *
 * @param wrap gets the original, whether the patch is still active, and the name of the method
 */
export function patch<T extends object, K extends keyof T & string>(
  target: T,
  name: K,
  wrap: (original: T[K], state: Patch) => T[K],
  options?: PatchOptions,
): Undo;
export function patch<M extends Method = AnyMethod>(
  target: object,
  names: string | readonly string[],
  wrap: (original: M, state: Patch, name: string) => M,
  options?: PatchOptions,
): Undo;
export function patch(
  target: object,
  names: string | readonly string[],
  wrap: Wrap,
  { once = false }: PatchOptions = {},
): Undo {
  if (typeof names === 'string')
    return once ? patchOnce(target, names, wrap) : patchMethod(target, names, wrap);
  return undoAll(
    names.map((name) => (once ? patchOnce(target, name, wrap) : patchMethod(target, name, wrap))),
  );
}

function patchMethod(target: object, name: string, wrap: Wrap, state: Patch = { active: true }): Undo {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== 'function') return NOTHING;
  const replacement = wrap(original as never, state, name);
  Object.defineProperties(replacement, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
  const replaced = replaceMembers(target, { [name]: replacement });
  return () => {
    state.active = false;
    replaced?.restore();
  };
}

function patchOnce(target: object, name: string, wrap: Wrap): Undo {
  const mark = Symbol.for(`nestjs-telemetry.patch.${name}`);
  const present = Object.getOwnPropertyDescriptor(target, mark)?.value as SharedPatch | undefined;
  if (present !== undefined) return join(present);
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== 'function' || isWrappedByOthers(original)) return NOTHING;
  const shared: SharedPatch = { active: true, users: 0 };
  const undo = patchMethod(target, name, wrap, shared);
  const replacement: unknown = Reflect.get(target, name);
  if (replacement === original) return NOTHING;
  shared.restore = () => {
    const isOutermost = Reflect.get(target, name) === replacement;
    undo();
    // A replacement that was patched over stays in place: the mark lets the next caller join it.
    if (isOutermost) Reflect.deleteProperty(target, mark);
  };
  Object.defineProperty(target, mark, { value: shared, configurable: true });
  return join(shared);
}

function join(shared: SharedPatch): Undo {
  shared.users = (shared.users ?? (shared.active ? 1 : 0)) + 1;
  shared.active = true;
  let joined = true;
  return () => {
    if (!joined) return;
    joined = false;
    shared.users = (shared.users ?? 1) - 1;
    if (shared.users > 0) return;
    shared.active = false;
    shared.restore?.();
  };
}

/**
 * True when another instrumentation has wrapped a function: OpenTelemetry's and most agents' leave
 * this mark.
 */
export function isWrappedByOthers(method: unknown): boolean {
  return typeof method === 'function' && '__wrapped' in method && method.__wrapped === true;
}

/**
 * The objects along the prototypes of `start`, itself included, that have a member of that name of
 * their own; nearest first.
 */
export function ownersOf(start: object, name: string): object[] {
  const owners: object[] = [];
  let level: object | null = start;
  while (level !== null) {
    if (Object.hasOwn(level, name)) owners.push(level);
    level = Object.getPrototypeOf(level) as object | null;
  }
  return owners;
}

/** Own members laid over an object, and taken off again as if they had never been there. */
export interface ReplacedMembers {
  restore(): void;
}

/**
 * Lays `members` over `target` as own properties; returns undefined, and leaves `target` alone,
 * when it is frozen or sealed. Members that `target` inherits so far are not enumerable.
 */
export function replaceMembers(
  target: object,
  members: Readonly<Record<string, unknown>>,
): ReplacedMembers | undefined {
  const names = Object.keys(members);
  if (!names.every((name) => isReplaceable(target, name))) return undefined;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(target, name));
  names.forEach((name, index) => {
    Object.defineProperty(target, name, {
      value: members[name],
      writable: true,
      configurable: true,
      enumerable: before[index]?.enumerable ?? false,
    });
  });
  return {
    restore() {
      names.forEach((name, index) => {
        // Another library has replaced the member meanwhile: its replacement calls ours, which
        // passes through once settled.
        if (Object.getOwnPropertyDescriptor(target, name)?.value !== members[name]) return;
        const descriptor = before[index];
        if (descriptor === undefined) Reflect.deleteProperty(target, name);
        else Object.defineProperty(target, name, descriptor);
      });
    },
  };
}

function isReplaceable(target: object, name: string): boolean {
  const own = Object.getOwnPropertyDescriptor(target, name);
  return own === undefined ? Object.isExtensible(target) : own.configurable === true;
}
