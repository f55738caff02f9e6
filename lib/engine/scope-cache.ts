import type { InstrumentationScope } from '@opentelemetry/core';

/** Scopes are classes and packages, but an application may make up one for each call. */
const MAX_SCOPES = 2_000;

/** The tracer or logger that a provider made for each instrumentation scope. */
export class ScopeCache<T> {
  private readonly made = new Map<string, T>();

  get(
    name: string,
    version: string | undefined,
    schemaUrl: string | undefined,
    make: (scope: InstrumentationScope) => T,
  ): T {
    const key = `${name}@${version ?? ''}:${schemaUrl ?? ''}`;
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const made = make({
      name,
      ...(version !== undefined && { version }),
      ...(schemaUrl !== undefined && { schemaUrl }),
    });
    // All at once: a scope in use comes back with its next call.
    if (this.made.size >= MAX_SCOPES) this.made.clear();
    this.made.set(key, made);
    return made;
  }
}
