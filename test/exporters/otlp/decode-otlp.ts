import root from 'otlp-ref/build/src/generated/root.js';

type Signal = 'trace' | 'metrics' | 'logs';

interface MessageType {
  decode(bytes: Uint8Array): unknown;
  toObject(
    message: unknown,
    options: { longs: typeof String; bytes: typeof String },
  ): Record<string, unknown>;
}

const MESSAGES = {
  trace: 'ExportTraceServiceRequest',
  metrics: 'ExportMetricsServiceRequest',
  logs: 'ExportLogsServiceRequest',
} as const;

/**
 * An OTLP protobuf request as JSON-like objects, read by the generated code of another release of OpenTelemetry than
 * the one that wrote it (that one writes by hand); integers become strings and bytes hexadecimal, as in OTLP's JSON.
 */
export function decodeOtlp(signal: Signal, body: Buffer): Record<string, unknown> {
  // The generated code has declarations that end at its root.
  const collector = (
    root as unknown as {
      opentelemetry: { proto: { collector: Record<Signal, { v1: Record<string, MessageType> }> } };
    }
  ).opentelemetry.proto.collector;
  const type = collector[signal].v1[MESSAGES[signal]]!;
  const decoded = type.toObject(type.decode(body), { longs: String, bytes: String });
  return JSON.parse(JSON.stringify(decoded), idsToHex) as Record<string, unknown>;
}

function idsToHex(key: string, value: unknown): unknown {
  const isId = key === 'traceId' || key === 'spanId' || key === 'parentSpanId';
  return isId && typeof value === 'string' ? Buffer.from(value, 'base64').toString('hex') : value;
}
