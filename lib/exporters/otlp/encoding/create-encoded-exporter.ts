import { type OtlpTarget } from '../../../config/telemetry-config.interface.js';
import { type ReportedExporter } from '../../reported.exporter.js';
import { createOtlpExporter } from '../create-otlp-exporter.js';
import { type EncodedRequest } from './encoded-queue.js';

type EncodedSignal = 'traces' | 'logs';

/** Whether requests we encode can be sent there: JSON is written by the SDK's own exporters. */
export function takesEncodedRequests({ protocol }: OtlpTarget): boolean {
  return protocol !== 'http/json';
}

/** Sends requests that are encoded already. The transport starts loading now. */
export function createEncodedExporter(
  signal: EncodedSignal,
  target: OtlpTarget,
): ReportedExporter<EncodedRequest> {
  return createOtlpExporter(signal, target, {
    loadSerializer: () => loadSerializer(signal),
    countItems: ({ count }) => count,
  });
}

/** Passes on what is encoded; reads answers, which say what a receiver did not accept, as the SDK does. */
async function loadSerializer(signal: EncodedSignal) {
  const { ProtobufLogsSerializer, ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  const standard = signal === 'traces' ? ProtobufTraceSerializer : ProtobufLogsSerializer;
  return {
    serializeRequest: ({ body }: EncodedRequest) => body,
    deserializeResponse: (data: Uint8Array) => standard.deserializeResponse(data),
  };
}
