// What the TypeScript compiler would emit for decorators, so that the bench needs no build of its own. Who starts a process
// loads `reflect-metadata`.

/** `class` decorators, last one first. */
export function decorateClass(target, ...decorators) {
  for (const decorate of decorators.reverse()) decorate(target);
  return target;
}

/** Decorators of one method, last one first. */
export function decorateMethod(target, name, ...decorators) {
  for (const decorate of decorators.reverse()) {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, name);
    Object.defineProperty(target.prototype, name, decorate(target.prototype, name, descriptor) ?? descriptor);
  }
}

/** The types of the constructor's parameters, which Nest injects. */
export function declareInjected(target, ...types) {
  Reflect.defineMetadata('design:paramtypes', types, target);
}

/** Decorators of one parameter of a method, last one first. */
export function decorateParameter(target, name, index, ...decorators) {
  for (const decorate of decorators.reverse()) decorate(target.prototype, name, index);
}
