/** What undici (and with it `fetch`) publishes of a request on its diagnostics channels. */
export interface UndiciRequest {
  readonly method: string;
  readonly origin: string | URL;
  readonly path: string;
  readonly headers: unknown;
  addHeader(name: string, value: string): unknown;
}

export interface UndiciResponse {
  readonly statusCode: number;
}

export interface UndiciCreateMessage {
  readonly request: UndiciRequest;
}

export interface UndiciHeadersMessage {
  readonly request: UndiciRequest;
  readonly response: UndiciResponse;
}

export interface UndiciErrorMessage {
  readonly request: UndiciRequest;
  readonly error: unknown;
}
