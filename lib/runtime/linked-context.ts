import { type Context } from '@opentelemetry/api';

/** A longer chain is rebuilt from what is still visible in it, so that looking up an absent key stays short. */
const MAX_DEPTH = 8;

/**
 * A context that links to the one it came from instead of copying it, immutable except for `revoke()`. The API's own copies a Map and makes
 * three closures for each value set, which is for each span; this is one small object, and the active span is one step away.
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

  /** Takes back the value this context was made with, here and in every context below. */
  revoke(): void {
    this.value = undefined;
  }

  private append(key: symbol, value: unknown): LinkedContext {
    return new LinkedContext(this, key, value, this.depth + 1);
  }

  /** The same values, each key once, without `dropped`. */
  private compacted(dropped: symbol): LinkedContext {
    const visible = new Map<symbol, unknown>();
    for (const { key, value } of this.links()) {
      if (key !== undefined && key !== dropped && !visible.has(key)) visible.set(key, value);
    }
    return [...visible]
      .reverse()
      .reduce<LinkedContext>((chain, [key, value]) => chain.append(key, value), LinkedContext.ROOT);
  }

  private *links(): Generator<LinkedContext> {
    yield this;
    if (this.parent !== undefined) yield* this.parent.links();
  }
}

/** Takes back the value that `context` was made with; does nothing for the context of another implementation. */
export function revoke(context: Context): void {
  (context as Partial<LinkedContext>).revoke?.();
}
