import { TelemetryError } from '../errors/telemetry.error.js';
import { type AnyMethod, isMarked, markMethod, wrapMethod } from './wrap-method.js';

interface MethodOrClassDecoration {
  /** How the decorator is written, for messages: `@Trace()`. */
  readonly name: string;
  /** What keeps this wrapper from being applied twice to one method. */
  readonly marker: symbol;
  /** A method that carries this marker is left alone by the same decorator on its class. Default: `marker`. */
  readonly kind?: symbol;
  /** Makes the wrapper; must call `original` with its own `this` and arguments. */
  wrap(original: AnyMethod, site: DecorationSite): AnyMethod;
}

/** A decorator for methods and classes, in TypeScript's legacy form and the standard (TC39) one. */
export interface MethodOrClassDecorator {
  (
    target: { readonly prototype: unknown; readonly name: string },
    context?: { readonly kind: 'class' },
  ): void;
  <M extends (...args: never[]) => unknown>(method: M, context: ClassMethodDecoratorContext): M;
  (target: object, key: string | symbol, descriptor: PropertyDescriptor): void;
}

type DecoratorArguments = readonly [target: unknown, second?: unknown, third?: unknown];

/**
 * Returns a decorator that wraps the method it stands on, or every method its class declares with a string name: not
 * inherited ones, not static ones, not accessors, not the constructor. Nest's lifecycle hooks (`onModuleInit`, …) are
 * methods like others and included. Flags of the property stay as they are.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_DECORATOR` (from the decorator) on a property, accessor or parameter
 */
export function decorateMethodOrClass(decoration: MethodOrClassDecoration): MethodOrClassDecorator {
  return ((...args: DecoratorArguments): unknown => {
    const [target, second, third] = args;
    if (isStandardContext(second)) return applyStandard(decoration, target, second);
    if (typeof target === 'function' && second === undefined && third === undefined) {
      wrapMethodsOf(target, decoration);
      return undefined;
    }
    applyLegacy(decoration, target as object, second as string | symbol | undefined, third);
    return undefined;
  }) as MethodOrClassDecorator;
}

function applyLegacy(
  decoration: MethodOrClassDecoration,
  target: object,
  key: string | symbol | undefined,
  third: unknown,
): void {
  const place = `${nameOfClass(target)}.${key === undefined ? 'constructor' : describeMethodName(key)}`;
  if (typeof third === 'number') throw misplaced(decoration, `parameter ${third} of ${place}`);
  const descriptor = third as PropertyDescriptor | undefined;
  if (descriptor?.get !== undefined || descriptor?.set !== undefined) {
    throw misplaced(decoration, `the accessor ${place}`);
  }
  if (key === undefined || typeof descriptor?.value !== 'function') {
    throw misplaced(decoration, `the property ${place}`);
  }
  const ownerName = nameOfClass(target);
  descriptor.value = wrapOne(decoration, descriptor.value as AnyMethod, {
    methodName: describeMethodName(key),
    writtenOn: 'method',
    ownerName,
    className: () => ownerName,
  });
}

function applyStandard(
  decoration: MethodOrClassDecoration,
  value: unknown,
  context: DecoratorContext,
): unknown {
  const { kind, name } = context;
  if (kind === 'class') {
    wrapMethodsOf(value as AnyMethod, decoration);
    return undefined;
  }
  const methodName = describeMethodName(name);
  if (kind !== 'method') throw misplaced(decoration, `the ${kind} ${methodName}`);
  let className: string | undefined;
  const wrapper = wrapOne(decoration, value as AnyMethod, {
    methodName,
    writtenOn: 'method',
    className: (self) => (className ??= nameOfOwner(self, name, wrapper)),
  });
  return wrapper;
}

function wrapMethodsOf(
  target: { readonly prototype: unknown; readonly name: string },
  decoration: MethodOrClassDecoration,
) {
  const prototype = target.prototype as object;
  const kind = decoration.kind ?? decoration.marker;
  for (const key of Object.getOwnPropertyNames(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
    const method: unknown = descriptor?.value;
    if (key === 'constructor' || descriptor === undefined || typeof method !== 'function') continue;
    if (isMarked(method, kind) || descriptor.configurable !== true) continue;
    const site: DecorationSite = {
      methodName: key,
      writtenOn: 'class',
      ownerName: nameOfClass(prototype),
      className: () => nameOfClass(prototype),
    };
    const value = wrapOne(decoration, method as AnyMethod, site);
    Object.defineProperty(prototype, key, { ...descriptor, value });
  }
}

function wrapOne(decoration: MethodOrClassDecoration, original: AnyMethod, site: DecorationSite): AnyMethod {
  const wrapper = wrapMethod(original, (method) => decoration.wrap(method, site), decoration.marker);
  if (decoration.kind !== undefined) markMethod(wrapper, decoration.kind);
  return wrapper;
}

function isStandardContext(value: unknown): value is DecoratorContext {
  return typeof value === 'object' && value !== null && 'kind' in value && 'name' in value;
}

function misplaced({ name }: MethodOrClassDecoration, where: string): TelemetryError {
  return new TelemetryError(
    'TELEMETRY_INVALID_DECORATOR',
    `${name} was applied to ${where}, but it decorates methods and classes only. ` +
      'Put it on a method (turn an arrow-function property or an accessor into one), or on the class.',
  );
}

/** Where a decorator was written: what names a span or labels a metric. */
export interface DecorationSite {
  /** Name of the method as it is called; a symbol is rendered as `[description]`. */
  readonly methodName: string;
  /** Whether the decorator stands on the method itself or on its class. */
  readonly writtenOn: 'method' | 'class';
  /** Name of the class that declares the method, where it is known before the first call. */
  readonly ownerName?: string;
  /**
   * Name of the class that declares the method. `self` is the `this` of a call: a standard (TC39) method decorator
   * learns its class only then.
   */
  className(self: unknown): string;
}

function describeMethodName(key: string | symbol): string {
  return typeof key === 'symbol' ? `[${key.description ?? 'symbol'}]` : key;
}

/** The class a legacy decorator's `target` belongs to: the constructor itself for a static method. */
function nameOfClass(target: object): string {
  const owner: unknown = typeof target === 'function' ? target : target.constructor;
  return typeof owner === 'function' && owner.name !== '' ? owner.name : 'anonymous';
}

/** The class on the prototype chain of `self` that owns `method` under `key`, or the class of `self`. */
function nameOfOwner(self: unknown, key: string | symbol, method: unknown): string {
  if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return 'anonymous';
  for (
    let level: object | null = self;
    level !== null;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    if (Object.getOwnPropertyDescriptor(level, key)?.value === method) return nameOfClass(level);
  }
  return nameOfClass(self);
}
