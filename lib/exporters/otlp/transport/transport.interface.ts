/** What a receiver answered to one attempt. */
export type Answer =
  /** It took the request; `body` is its answer, undefined where it could not be read. */
  | { readonly outcome: 'sent'; readonly body: Uint8Array | undefined; readonly contentType: string }
  | { readonly outcome: 'failed'; readonly error: Error }
  | { readonly outcome: 'retry'; readonly error: Error; readonly afterMs?: number };

/** Carries encoded OTLP requests to one address. */
export interface Transport {
  /** Makes one attempt, which ends within `timeoutMs`. Never rejects. */
  send(body: Uint8Array, timeoutMs: number): Promise<Answer>;
  /** Ends the attempt that is under way and closes connections; further attempts fail. */
  close(): void;
}

export interface TransportOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly compress: boolean;
  /** Certificates, where the environment names some. */
  readonly tls: TlsOptions;
  /** Proxy that the connection goes through. */
  readonly proxy: URL | undefined;
}

export interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}
