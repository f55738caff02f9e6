const loading = new Set<Promise<void>>();

/** @param load must not reject */
export function awaitPropagator(load: Promise<void>): void {
  loading.add(load);
  void load.then(() => loading.delete(load));
}

/** Resolves when the propagators that were created so far are loaded. Never rejects. */
export async function propagatorsLoaded(): Promise<void> {
  await Promise.all(loading);
}
