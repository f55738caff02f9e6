/** What undici (and with it `fetch`) publishes of a request on its diagnostics channels. */
export interface UndiciRequest {
  readonly method: string;
  readonly origin: string | URL;
  readonly path: string;
  readonly headers: unknown;
  /** The protocol asked for by `upgrade()` or `WebSocket`. */
  readonly upgrade?: string | boolean | null;
  /** Called with the status of the answer when the connection is handed over. */
  onUpgrade?: (...args: unknown[]) => unknown;
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

export interface UndiciChunkMessage {
  readonly request: UndiciRequest;
  readonly chunk?: Uint8Array;
}
