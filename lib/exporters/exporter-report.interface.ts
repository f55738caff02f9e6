export type Signal = 'traces' | 'metrics' | 'logs';

/** Who an exporter is and where it sends to. */
export interface ExporterDestination {
  readonly signal: Signal;
  readonly protocol: 'grpc' | 'http/protobuf' | 'http/json' | 'jaeger-udp' | 'jaeger-http';
  /** What it speaks, for example `OTLP grpc` or `Jaeger compact Thrift over UDP`. */
  readonly name: string;
  /** Where it sends to, without credentials. */
  readonly endpoint: string;
}

/** How one exporter has fared since the start of the SDK. */
export interface ExporterReport extends ExporterDestination {
  /** Spans, log records or metric data points that were sent. UDP does not confirm that they arrived. */
  readonly exported: number;
  /** Items that were tried in vain. */
  readonly failed: number;
  /** Items that were never tried: the queue was full, or they are too big for the protocol. */
  readonly dropped: number;
  readonly lastSuccess: Date | undefined;
  readonly lastError: { readonly message: string; readonly at: Date } | undefined;
}
