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
const MAX_ANSWER_CHARACTERS = 32 * 2 ** 20;

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
    const text = await response.text();
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      text: text.slice(0, MAX_ANSWER_CHARACTERS),
    };
  } catch (error) {
    return { error: reasonOf(error, timeoutMs) };
  }
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
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1_000} s`;
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return cause.errors
      .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
      .join(', ');
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
