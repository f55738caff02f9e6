/** Those of the machine: a test may replace the global ones. */
const { setTimeout, clearTimeout } = globalThis;

const EVERY_MS = 2;

/** Resolves to what `read` returns once that is not undefined; to undefined when it is not after `timeoutMs`. */
export async function pollUntil<T>(read: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
  const late = { is: false };
  const deadline = setTimeout(() => {
    late.is = true;
  }, timeoutMs);
  try {
    for (;;) {
      const wasLate = late.is;
      const value = read();
      if (value !== undefined || wasLate) return value;
      await new Promise((resolve) => {
        setTimeout(resolve, EVERY_MS);
      });
    }
  } finally {
    clearTimeout(deadline);
  }
}
