import { type Context } from '@opentelemetry/api';

/**
 * A longer chain is rebuilt of its visible values, so that looking up an absent key stays short.
 */
const MAX_DEPTH = 8;

/**
 * A context that links to the one it was made of, immutable except for `revoke()`: one small object
 * for each span, where the API's own copies a Map and makes three closures.
 */
export class LinkedContext implements Context {
  private constructor(
    private readonly parent: LinkedContext | undefined,
    private readonly key: symbol | undefined,
    private value: unknown,
    private readonly depth: number,
  ) {}

  /** The context without any value. */
  static readonly ROOT = new LinkedContext(undefined, undefined, undefined, 0);

  getValue(key: symbol): unknown {
    if (this.key === key) return this.value;
    for (let link = this.parent; link !== undefined; link = link.parent) {
      if (link.key === key) return link.value;
    }
    return undefined;
  }

  setValue(key: symbol, value: unknown): Context {
    // The value that is replaced is out of sight: a chain of nested spans stays one link long.
    const parent = this.key === key ? this.parent : this;
    if (parent === undefined || parent.depth < MAX_DEPTH) {
      return new LinkedContext(parent, key, value, (parent?.depth ?? 0) + 1);
    }
    return parent.compacted(key).append(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.compacted(key);
  }

  /** Removes the value that this context was made with, here and in all contexts below. */
  revoke(): void {
    this.value = undefined;
  }

  private append(key: symbol, value: unknown): LinkedContext {
    return new LinkedContext(this, key, value, this.depth + 1);
  }

  /** The same values, each key once, without `dropped`. */
  private compacted(dropped: symbol): LinkedContext {
    const values = this.values();
    values.delete(dropped);
    let chain = LinkedContext.ROOT;
    for (const [key, value] of values) chain = chain.append(key, value);
    return chain;
  }

  /** What is visible, the newest last. */
  private values(): Map<symbol, unknown> {
    const values = this.parent?.values() ?? new Map<symbol, unknown>();
    if (this.key === undefined) return values;
    values.delete(this.key);
    return values.set(this.key, this.value);
  }
}

/** Removes the value that `context` was made with, if that is one of ours. */
export function revoke(context: Context): void {
  (context as Partial<LinkedContext>).revoke?.();
}
