import type { ISerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import type { BatchLimits } from '../../config/limits.js';
import type { OtlpTarget } from '../../config/otlp.js';
import { type BatchedSignal, type Batcher, resolveBatchLimits } from '../sending/batcher.js';
import { createExportQueue } from '../sending/export-queue.js';
import { ItemBatcher, type ItemRequest } from '../sending/item-batcher.js';
import type { ExportRequest } from '../sending/sender.js';
import { onUnsentRequests } from '../spool/unsent-requests.js';
import { EncodedBatcher } from './encoded-batcher.js';
import { createOtlpSender, type EncodeRequest, otlpDestination } from './otlp-sender.js';
import { otlpSettingsOf } from './otlp-settings.js';

/** Whether the engine encodes each item for that target; the SDK's serializers write JSON. */
export function takesEncodedRequests({ protocol }: OtlpTarget): boolean {
  return protocol !== 'http/json';
}

/** One signal that is sent to one target, and how much of it may wait. */
export interface OtlpRoute {
  readonly signal: BatchedSignal;
  readonly target: OtlpTarget;
  readonly batch: BatchLimits;
  readonly maxBytes: number;
}

/** Creates a batcher that encodes items when they end. */
export function createEncodedBatcher(route: OtlpRoute): EncodedBatcher {
  return createBatcher(
    route,
    EncodedBatcher,
    Promise.resolve(({ body }) => body),
  );
}

/** Creates a batcher that encodes spans when they are sent. */
export function createSpanBatcher(route: OtlpRoute): ItemBatcher<ReadableSpan> {
  const encoder = loadTransformer().then(({ JsonTraceSerializer, ProtobufTraceSerializer }) =>
    encodeOnce(route.target, JsonTraceSerializer, ProtobufTraceSerializer),
  );
  return createBatcher(route, ItemBatcher<ReadableSpan>, encoder);
}

/** Creates a batcher that encodes log records when they are sent. */
export function createLogRecordBatcher(route: OtlpRoute): ItemBatcher<ReadableLogRecord> {
  const encoder = loadTransformer().then(({ JsonLogsSerializer, ProtobufLogsSerializer }) =>
    encodeOnce(route.target, JsonLogsSerializer, ProtobufLogsSerializer),
  );
  return createBatcher(route, ItemBatcher<ReadableLogRecord>, encoder);
}

function createBatcher<Request extends ExportRequest, B extends Batcher<Request>>(
  { signal, target, batch, maxBytes }: OtlpRoute,
  BatcherOfItems: new (...args: ConstructorParameters<typeof Batcher<Request>>) => B,
  encoder: Promise<EncodeRequest<Request>>,
): B {
  const settings = otlpSettingsOf(signal, target);
  const limits = resolveBatchLimits(signal, batch);
  const sender = createOtlpSender(signal, target, settings, () => encoder);
  const { queue, health } = createExportQueue(otlpDestination(signal, target), sender, {
    maxItems: limits.maxQueueSize,
    maxBytes,
    attemptTimeoutMs: Math.min(settings.timeoutMs, limits.exportTimeoutMillis),
    minRetryMs: limits.exportTimeoutMillis,
  });
  const batcher = new BatcherOfItems(queue, health, limits);
  let encode: EncodeRequest<Request> | undefined;
  encoder.then(
    (loaded) => (encode = loaded),
    // The sender reports it.
    () => undefined,
  );
  // For the spool, at the end of the process.
  onUnsentRequests(() => {
    const encodeNow = encode;
    if (encodeNow === undefined) return [];
    const { url, protocol } = target;
    return batcher
      .takeUnsent()
      .map((request) => ({ signal, url, protocol, count: request.count, body: encodeNow(request) }));
  });
  return batcher;
}

function loadTransformer() {
  return import('@opentelemetry/otlp-transformer');
}

/** Encodes a request for the target with one of two serializers. Retries send the same bytes. */
function encodeOnce<Item>(
  { protocol }: OtlpTarget,
  json: ISerializer<Item[], unknown>,
  protobuf: ISerializer<Item[], unknown>,
): EncodeRequest<ItemRequest<Item>> {
  const serializer = protocol === 'http/json' ? json : protobuf;
  const encoded = new WeakMap<ItemRequest<Item>, Uint8Array>();
  return (request) => {
    const body = encoded.get(request) ?? serializer.serializeRequest([...request.items]);
    if (body === undefined) throw new Error('the request could not be encoded');
    encoded.set(request, body);
    return body;
  };
}
