/** Addresses of the panel, and their answers. */
export interface CurlApi {
  readonly 'GET curl': CurlAnswer;
}

export interface CurlAnswer {
  /** For a POSIX shell. */
  readonly command: string;
  /** The trace whose request it repeats; undefined where none is stored, and the address is the template of the route. */
  readonly traceId: string | undefined;
}
