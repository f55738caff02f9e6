/** The symbol of that name in all copies of this package (ESM and CommonJS, two versions). */
export function processSymbol(name: string): symbol {
  return Symbol.for(`nestjs-telemetry.${name}`);
}

/**
 * Returns the object of that name in this process, the same for all copies of this package. Created
 * on first use; its shape must stay compatible from one version to the next.
 */
export function processWide<T extends object>(name: string, create: () => T): T {
  const holder: Partial<Record<symbol, T>> = globalThis;
  return (holder[processSymbol(name)] ??= create());
}
