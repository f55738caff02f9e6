/** Shapes of what OpenTelemetry's OTLP exporters 0.301 are made of, as far as it is used here. */

export interface TransportResponse {
  readonly status: 'success' | 'failure' | 'retryable';
  readonly error?: Error;
}

/** What sends the requests of an exporter. */
export interface Transport {
  send: (data: Uint8Array, timeoutMillis: number) => Promise<TransportResponse>;
  shutdown(): void;
}

/** The one of HTTP: it tries again what the one inside of it could not send. */
export interface RetryingTransport extends Transport {
  readonly _transport: Transport & { readonly _utils?: { readonly agent?: { destroy?(): void } } | null };
  retry: (data: Uint8Array, timeoutMillis: number, inMillis: number) => Promise<TransportResponse>;
}

/** The one of gRPC, which makes its client when it sends first. */
export interface GrpcTransport extends Transport {
  _client?: GrpcClient | undefined;
}

export interface GrpcClient {
  export: (...args: unknown[]) => GrpcCall;
}

export interface GrpcCall {
  cancel(): void;
  once(event: 'status', listener: () => void): unknown;
}
