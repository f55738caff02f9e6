import { type Context, context as contextApi } from '@opentelemetry/api';

let given: Context | undefined;

/** The context whose span a line belongs to. */
export function lineContext(): Context {
  return given ?? contextApi.active();
}

/**
 * Writes a line, at once, as one of `context`. Nothing is awaited while a line is written, so that no storage that follows
 * asynchronous calls has to be entered for it.
 */
export function writeLineIn(context: Context, write: () => void): void {
  const before = given;
  given = context;
  try {
    write();
  } finally {
    given = before;
  }
}
