/** More values than this at one place come from data without bounds, such as ids. */
const MAX_BRANCHES = 250;

/**
 * What is known of a list of values, found by taking the values one after the other. No text is
 * made of them, which would take longer and could be the same for two lists.
 */
export class ValueTree<T> {
  value: T | undefined;
  private branches: Map<unknown, ValueTree<T>> | undefined;

  /** The place of the next value; undefined when there is none. */
  get(value: unknown): ValueTree<T> | undefined {
    return this.branches?.get(value);
  }

  /** The place of the next value, added if there is room; undefined when there is none. */
  add(value: unknown): ValueTree<T> | undefined {
    const branches = (this.branches ??= new Map<unknown, ValueTree<T>>());
    let branch = branches.get(value);
    if (branch === undefined && branches.size < MAX_BRANCHES)
      branches.set(value, (branch = new ValueTree<T>()));
    return branch;
  }
}
