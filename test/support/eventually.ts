interface Polling {
  /** Time between two reads, in milliseconds. 10 by default. */
  readonly everyMs?: number;
  /** True to read again after `read` threw. Its last error becomes the cause of the failure. */
  readonly throughErrors?: boolean;
}

type Read<T> = () => T | undefined | false | Promise<T | undefined | false>;

/**
 * Polls `read` until it returns something other than undefined and false, and resolves to that.
 * Rejects after `withinMs` (30 seconds by default), naming `what`, or the text of `read` without a name.
 */
export function eventually<T>(read: Read<T>, withinMs?: number): Promise<T>;
export function eventually<T>(what: string, read: Read<T>, withinMs?: number, polling?: Polling): Promise<T>;
export function eventually<T>(
  first: string | Read<T>,
  second?: Read<T> | number,
  third?: number,
  polling?: Polling,
): Promise<T> {
  if (typeof first === 'string') return poll(first, second as Read<T>, third, polling);
  return poll(first.toString(), first, second as number | undefined);
}

async function poll<T>(
  what: string,
  read: Read<T>,
  withinMs = 30_000,
  { everyMs = 10, throughErrors = false }: Polling = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await read();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      if (!throughErrors) throw error;
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what} did not happen within ${String(withinMs)} ms`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
