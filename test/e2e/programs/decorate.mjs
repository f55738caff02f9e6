/** Applies decorators to a method, which plain JavaScript has no notation for. */
export function decorate(prototype, name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  for (const decorator of decorators) decorator(prototype, name, descriptor);
  Object.defineProperty(prototype, name, descriptor);
}
