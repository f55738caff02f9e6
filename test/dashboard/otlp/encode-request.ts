import root from 'otlp-ref/build/src/generated/root.js';

interface Encoder {
  fromObject(value: object): unknown;
  encode(message: unknown): { finish(): Uint8Array };
}

interface Collector {
  readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: Encoder } };
  readonly metrics: { readonly v1: { readonly ExportMetricsServiceRequest: Encoder } };
  readonly logs: { readonly v1: { readonly ExportLogsServiceRequest: Encoder } };
}

// The generated module has no declarations of these messages.
const { collector } = (root as unknown as { opentelemetry: { proto: { collector: Collector } } })
  .opentelemetry.proto;

const ENCODERS = {
  traces: collector.trace.v1.ExportTraceServiceRequest,
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
  logs: collector.logs.v1.ExportLogsServiceRequest,
};

/** A request in protobuf, written by protobufjs; ids are bytes. */
export function encodeRequest(signal: keyof typeof ENCODERS, request: object): Buffer {
  const encoder = ENCODERS[signal];
  return Buffer.from(encoder.encode(encoder.fromObject(request)).finish());
}
