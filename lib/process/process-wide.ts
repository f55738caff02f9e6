/**
 * Returns the one object of that name in this process: the same for every copy of this package (ESM and CommonJS, two versions).
 * Created on first use; its shape must stay compatible from one version to the next.
 */
export function processWide<T extends object>(name: string, create: () => T): T {
  const holder: Partial<Record<symbol, T>> = globalThis;
  return (holder[Symbol.for(`nestjs-telemetry.${name}`)] ??= create());
}
