import { type OutgoingHttpHeaders } from 'node:http';

/** An answer that is not what was asked for; thrown below the routes, written as `ApiError`. */
export class DashboardError extends Error {
  constructor(
    /** Status of HTTP. */
    readonly status: number,
    message: string,
    /** Further headers of the answer. */
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(message);
  }
}

/** 400: what was sent cannot be understood. */
export function badRequest(message: string): DashboardError {
  return new DashboardError(400, message);
}
