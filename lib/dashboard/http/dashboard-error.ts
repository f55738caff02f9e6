/** Ends a request with an HTTP status and a message; the answer is an `ApiError`, unless the error has a body. */
export class DashboardError extends Error {
  constructor(
    /** HTTP status. */
    readonly status: number,
    message: string,
    /** Further headers of the answer. */
    readonly headers: Readonly<Record<string, string>> = {},
    /** Sent in place of an `ApiError`, with a `content-type` among the headers. */
    readonly body?: string | Uint8Array,
  ) {
    super(message);
  }
}

/** 400: the request is wrong. */
export function badRequest(message: string): DashboardError {
  return new DashboardError(400, message);
}
