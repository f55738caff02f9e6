import { isError } from '../errors/is-error.js';

/** An attempt to send telemetry that failed. */
export class ExportError extends Error {
  override readonly name = 'ExportError';

  /** @param type low-cardinality kind of the failure, the value of `error.type`: `503`, `UNAVAILABLE`, `timeout`, … */
  constructor(
    message: string,
    readonly type: string,
  ) {
    super(message);
  }
}

/** The value of `error.type` for any error of an exporter. */
export function errorTypeOf(error: unknown): string {
  if (error instanceof ExportError) return error.type;
  if (!isError(error)) return '_OTHER';
  return 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
    ? String(error.code)
    : error.name;
}
