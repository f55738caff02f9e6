import { type DecorationSite } from '../invocation/decoration-site.js';
import { type AnyMethod } from '../invocation/wrap-method.js';
import { processWide } from '../process/process-wide.js';

/** A method that has spans, and the name by which they tell it. */
export interface NamedMethod {
  /** `OrderService.process`. */
  readonly name: string;
  /** As it was decorated; other decorators may stand below. */
  readonly method: AnyMethod;
}

/** Classes may be made at run time, again and again: more than this are not remembered. */
const MAX_METHODS = 5_000;

interface Remembered {
  readonly name: string;
  /** Weak: a class that nobody uses any more must not be held by its decorators. */
  readonly method: WeakRef<AnyMethod>;
}

const remembered = processWide('traced-methods', (): { readonly methods: Remembered[] } => ({ methods: [] }));

/** Remembers a method that `@Trace()` decorates, where its class is known already. */
export function rememberTracedMethod(method: AnyMethod, { ownerName, methodName }: DecorationSite): void {
  const { methods } = remembered;
  if (ownerName === undefined || methods.length >= MAX_METHODS) return;
  methods.push({ name: `${ownerName}.${methodName}`, method: new WeakRef(method) });
}

/** Every method that `@Trace()` decorates, also of classes that no container knows. */
export function* tracedMethods(): Generator<NamedMethod> {
  for (const { name, method: reference } of remembered.methods) {
    const method = reference.deref();
    if (method !== undefined) yield { name, method };
  }
}
