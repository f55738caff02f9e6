import { type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { type ItemRequest } from '../sending/item-batcher.js';
import { type EncodeRequest } from './otlp-sender.js';

/** Loads what writes spans in the encoding of the target, with OpenTelemetry's own serializers. */
export async function loadSpanEncoder({
  protocol,
}: OtlpTarget): Promise<EncodeRequest<ItemRequest<ReadableSpan>>> {
  const { JsonTraceSerializer, ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  return encodeOnce(({ items }) => serializer.serializeRequest([...items]));
}

/** Loads what writes log records in the encoding of the target, with OpenTelemetry's own serializers. */
export async function loadLogRecordEncoder({
  protocol,
}: OtlpTarget): Promise<EncodeRequest<ItemRequest<ReadableLogRecord>>> {
  const { JsonLogsSerializer, ProtobufLogsSerializer } = await import('@opentelemetry/otlp-transformer');
  const serializer = protocol === 'http/json' ? JsonLogsSerializer : ProtobufLogsSerializer;
  return encodeOnce(({ items }) => serializer.serializeRequest([...items]));
}

/** Further attempts send the same bytes. */
function encodeOnce<Request extends object>(
  serialize: (request: Request) => Uint8Array | undefined,
): EncodeRequest<Request> {
  const encoded = new WeakMap<Request, Uint8Array>();
  return (request) => {
    const known = encoded.get(request);
    if (known !== undefined) return known;
    const body = serialize(request);
    if (body === undefined) throw new Error('the request could not be encoded');
    encoded.set(request, body);
    return body;
  };
}
