/** A method of any signature. */
type Method = (this: never, ...args: never[]) => unknown;

/** A patch that is laid over a method. */
export interface Patch {
  /** False once undone: a patch that somebody else has patched over stays in place and must pass calls through. */
  active: boolean;
}

/** True when another instrumentation has wrapped a function: OpenTelemetry's and most agents' leave this mark. */
export function isWrappedByOthers(method: unknown): boolean {
  return typeof method === 'function' && '__wrapped' in method && method.__wrapped === true;
}

/**
 * Replaces a method of a prototype; returns the undo. Does nothing where it is ours already (two copies of this package
 * know each other by the mark), and where another instrumentation was first: no call gets two spans.
 */
export function patchMethod<M extends Method>(
  prototype: object,
  name: string,
  wrap: (original: M, patch: Patch) => M,
): () => void {
  const mark = Symbol.for(`nestjs-telemetry.patch.${name}`);
  const owner = prototype as Record<PropertyKey, unknown>;
  const present = Object.hasOwn(prototype, mark) ? (owner[mark] as Patch) : undefined;
  if (present !== undefined) return present.active ? () => undefined : reactivate(present);
  const original = owner[name];
  if (typeof original !== 'function' || isWrappedByOthers(original)) return () => undefined;

  const inherited = !Object.hasOwn(prototype, name);
  const patch: Patch = { active: true };
  const patched = wrap(original as M, patch);
  Object.defineProperties(patched, { name: { value: name }, length: { value: original.length } });
  owner[name] = patched;
  Object.defineProperty(prototype, mark, { value: patch, configurable: true });
  return () => {
    patch.active = false;
    // Somebody patched over us: taking ours out from under it would break theirs.
    if (owner[name] !== patched) return;
    Reflect.deleteProperty(prototype, mark);
    if (inherited) Reflect.deleteProperty(prototype, name);
    else owner[name] = original;
  };
}

function reactivate(patch: Patch): () => void {
  patch.active = true;
  return () => {
    patch.active = false;
  };
}
