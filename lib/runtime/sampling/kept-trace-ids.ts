/**
 * Ids of traces that were kept lately, so many at most: what reaches this process for them later, or once more, is kept
 * with them.
 */
export class KeptTraceIds {
  private readonly ids = new Set<string>();

  constructor(private readonly capacity: number) {}

  has(traceId: string): boolean {
    return this.ids.has(traceId);
  }

  add(traceId: string): void {
    // Moves to the end: the front is what was not heard of the longest.
    this.ids.delete(traceId);
    this.ids.add(traceId);
    if (this.ids.size <= this.capacity) return;
    const [oldest] = this.ids;
    if (oldest !== undefined) this.ids.delete(oldest);
  }
}
