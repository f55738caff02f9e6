import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import type { BatchLimits } from '../../config/limits.js';
import type { OtlpTarget } from '../../config/otlp.js';
import type { ExporterHealth } from '../exporter-report.js';
import {
  type BatchedSignal,
  type Batcher,
  resolveBatchLimits,
  type ResolvedBatchLimits,
} from '../sending/batcher.js';
import { createExportQueue, type ExportQueue } from '../sending/export-queue.js';
import { ItemBatcher, type ItemRequest } from '../sending/item-batcher.js';
import type { ExportRequest } from '../sending/sender.js';
import { onUnsentRequests } from '../spool/unsent-requests.js';
import { EncodedBatcher, type EncodedRequest } from './encoded-batcher.js';
import { createOtlpSender, type EncodeRequest, otlpDestination } from './otlp-sender.js';
import { readOtlpSettings } from './otlp-settings.js';

/** Whether the engine encodes each item for that target; the SDK's serializers write JSON. */
export function takesEncodedRequests({ protocol }: OtlpTarget): boolean {
  return protocol !== 'http/json';
}

/** Creates a batcher that encodes items when they end. */
export function createEncodedBatcher(
  signal: BatchedSignal,
  target: OtlpTarget,
  limits: BatchLimits,
  maxBytes: number,
): EncodedBatcher {
  const encode = ({ body }: EncodedRequest): Uint8Array => body;
  const batcher = new EncodedBatcher(...start(signal, target, limits, maxBytes, Promise.resolve(encode)));
  offerUnsent(signal, target, batcher, () => encode);
  return batcher;
}

/** Creates a batcher that encodes spans when they are sent. */
export function createSpanBatcher(
  target: OtlpTarget,
  limits: BatchLimits,
  maxBytes: number,
): ItemBatcher<ReadableSpan> {
  return createItemBatcher('traces', target, limits, maxBytes, loadSpanEncoder(target));
}

/** Creates a batcher that encodes log records when they are sent. */
export function createLogRecordBatcher(
  target: OtlpTarget,
  limits: BatchLimits,
  maxBytes: number,
): ItemBatcher<ReadableLogRecord> {
  return createItemBatcher('logs', target, limits, maxBytes, loadLogRecordEncoder(target));
}

function createItemBatcher<Item>(
  signal: BatchedSignal,
  target: OtlpTarget,
  limits: BatchLimits,
  maxBytes: number,
  encoder: Promise<EncodeRequest<ItemRequest<Item>>>,
): ItemBatcher<Item> {
  const batcher = new ItemBatcher<Item>(...start(signal, target, limits, maxBytes, encoder));
  let loaded: EncodeRequest<ItemRequest<Item>> | undefined;
  encoder.then(
    (encode) => (loaded = encode),
    // The sender reports it.
    () => undefined,
  );
  offerUnsent(signal, target, batcher, () => loaded);
  return batcher;
}

/**
 * Offers unsent requests to the spool at the end of the process, if the encoder is loaded by then.
 */
function offerUnsent<Request extends ExportRequest>(
  signal: BatchedSignal,
  { url, protocol }: OtlpTarget,
  batcher: Batcher<Request>,
  encoder: () => EncodeRequest<Request> | undefined,
): void {
  onUnsentRequests(() => {
    const encode = encoder();
    if (encode === undefined) return [];
    return batcher
      .takeUnsent()
      .map((request) => ({ signal, url, protocol, count: request.count, body: encode(request) }));
  });
}

function start<Request extends ExportRequest>(
  signal: BatchedSignal,
  target: OtlpTarget,
  limits: BatchLimits,
  maxBytes: number,
  encoder: Promise<EncodeRequest<Request>>,
): [queue: ExportQueue<Request>, health: ExporterHealth, limits: ResolvedBatchLimits] {
  const settings = readOtlpSettings(signal);
  const resolved = resolveBatchLimits(signal, limits);
  const sender = createOtlpSender(signal, target, settings, () => encoder);
  const { queue, health } = createExportQueue(otlpDestination(signal, target), sender, {
    maxItems: resolved.maxQueueSize,
    maxBytes,
    attemptTimeoutMs: Math.min(settings.timeoutMs, resolved.exportTimeoutMillis),
    minRetryMs: resolved.exportTimeoutMillis,
  });
  return [queue, health, resolved];
}

/** Loads OpenTelemetry's serializer of spans for the encoding of the target. */
async function loadSpanEncoder({ protocol }: OtlpTarget): Promise<EncodeRequest<ItemRequest<ReadableSpan>>> {
  const { JsonTraceSerializer, ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  return encodeOnce(({ items }) => serializer.serializeRequest([...items]));
}

/** Loads OpenTelemetry's serializer of log records for the encoding of the target. */
async function loadLogRecordEncoder({
  protocol,
}: OtlpTarget): Promise<EncodeRequest<ItemRequest<ReadableLogRecord>>> {
  const { JsonLogsSerializer, ProtobufLogsSerializer } = await import('@opentelemetry/otlp-transformer');
  const serializer = protocol === 'http/json' ? JsonLogsSerializer : ProtobufLogsSerializer;
  return encodeOnce(({ items }) => serializer.serializeRequest([...items]));
}

/** Retries send the same bytes. */
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
