const SHARED_FOR_MS = 10;

/**
 * Returns a `read` that several instruments of one collection share: their callbacks run in the same tick, and each
 * reading costs, or starts a new interval. A reading is given again for 10 ms.
 */
export function shareReading<T>(read: () => T): () => T {
  let reading: T;
  let readAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - readAt >= SHARED_FOR_MS) {
      reading = read();
      readAt = now;
    }
    return reading;
  };
}
