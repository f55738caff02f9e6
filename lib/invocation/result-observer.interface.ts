/** What wants to know how the work that a call started ends; exactly one of the three endings is told, exactly once. */
export interface ResultObserver {
  /** The work is done. `value` is what was returned, or what the promise resolved to; absent for what yields many. */
  onSuccess(value?: unknown): void;
  /** The work failed with the very object that the caller receives. */
  onError(error: unknown): void;
  /** The caller stopped before the end: unsubscribed, left the loop, destroyed the stream. Default: `onSuccess()`. */
  onCancel?(): void;
  /** Runs a step that happens after the call returned, inside the context of the call. Default: runs it as it is. */
  run?<R>(step: () => R): R;
  /** Who watches a second subscription to the same Observable (`retry`, `repeat`). Default: nobody. */
  onResubscribe?(): ResultObserver;
}
