/** An answer over HTTP, or why there is none. */
export type Answer =
  | {
      readonly status: number;
      readonly contentType: string;
      readonly text: string;
      readonly error?: undefined;
    }
  | { readonly error: string };

interface Question {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** So much of an answer is read. */
const MAX_ANSWER_BYTES = 32 * 2 ** 20;

/** Sends a GET request; never rejects. */
export async function ask(
  url: string | URL,
  { headers = {}, timeoutMs = TIMEOUT_MS }: Question = {},
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
    });
    const text = await readStart(response);
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      text,
    };
  } catch (error) {
    return { error: reasonOf(error, timeoutMs) };
  }
}

/** The answer up to the limit; the rest is not waited for. */
async function readStart({ body }: Response): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let left = MAX_ANSWER_BYTES;
  // Leaving the loop cancels the stream, which closes the connection.
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= chunk.byteLength;
    if (left <= 0) return text;
  }
  return text + decoder.decode();
}

/** The answer as JSON; undefined where it is none, or no success. */
export function jsonOf(answer: Answer): unknown {
  if (answer.error !== undefined || answer.status < 200 || answer.status > 299) return undefined;
  try {
    return JSON.parse(answer.text);
  } catch {
    return undefined;
  }
}

/** What came in place of an answer that can be used, in words. */
export function describeAnswer(answer: Answer): string {
  if (answer.error !== undefined) return answer.error;
  const start = answer.text.trim().replaceAll(/\s+/g, ' ').slice(0, 160);
  return `HTTP ${answer.status}${start === '' ? '' : `: ${start}`}`;
}

/** Asks again every half second until `find` returns something, or `withinMs` have passed. */
export async function poll<T>(find: () => Promise<T | undefined>, withinMs: number): Promise<T | undefined> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await find();
    if (found !== undefined || performance.now() >= deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if ((error as { readonly name?: unknown } | null)?.name === 'TimeoutError')
    return `no answer within ${timeoutMs / 1_000} s`;
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return cause.errors
      .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
      .join(', ');
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
