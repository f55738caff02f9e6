import { type Span } from '@opentelemetry/api';

/** A failure as it crosses a transport: there it is a text or a plain object, which name no class. */
class RpcFailure extends Error {
  override readonly name = 'RpcException';

  constructor(message: string) {
    super(message);
    // The stack would be that of the transport.
    delete this.stack;
  }
}

/** The failure to record: an error as it is; of anything else its message only, the rest may be payload. */
export function asFailure(error: unknown): unknown {
  if (error instanceof Error || isErrorLike(error)) return error;
  if (typeof error === 'string') return new RpcFailure(error);
  const message: unknown =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined;
  return new RpcFailure(typeof message === 'string' ? message : 'the answer was an error');
}

/** An error of another realm, or of a library that builds its own. */
function isErrorLike(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'stack' in error && typeof error.stack === 'string';
}

/** What was thrown below a span, before an exception filter turned it into an answer. */
const thrownBelow = new WeakMap<Span, unknown>();

export function noteThrown(span: Span, exception: unknown): void {
  thrownBelow.set(span, exception);
}

/** What was thrown when that has been seen, else what the answer tells of it. */
export function failureBelow(span: Span | undefined, error: unknown): unknown {
  return (span === undefined ? undefined : thrownBelow.get(span)) ?? asFailure(error);
}
