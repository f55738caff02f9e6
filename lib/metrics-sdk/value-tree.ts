/**
 * What is known of a list of values, found by taking the values one after the other. No text is
 * made of them, which would take longer and could be the same for two lists.
 */
export class ValueTree<T> {
  value: T | undefined;
  private branches: Map<unknown, ValueTree<T>> | undefined;

  /** @param maxBranches values that may come next at one place */
  constructor(private readonly maxBranches = Infinity) {}

  /** The place of the next value; undefined when there is none. */
  get(next: unknown): ValueTree<T> | undefined {
    return this.branches?.get(next);
  }

  /** The place of the next value, added if there is room; undefined when there is none. */
  add(next: unknown): ValueTree<T> | undefined {
    const branches = (this.branches ??= new Map<unknown, ValueTree<T>>());
    let branch = branches.get(next);
    if (branch === undefined && branches.size < this.maxBranches)
      branches.set(next, (branch = new ValueTree<T>(this.maxBranches)));
    return branch;
  }
}
