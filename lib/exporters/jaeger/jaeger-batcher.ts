import { isIPv6 } from 'node:net';

import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import type { JaegerTarget } from '../../config/jaeger.js';
import type { BatchLimits } from '../../config/limits.js';
import type { ExporterDestination } from '../exporter-report.js';
import { resolveBatchLimits } from '../sending/batcher.js';
import { createExportQueue } from '../sending/export-queue.js';
import { ItemBatcher, type ItemRequest } from '../sending/item-batcher.js';
import { LazySender } from '../sending/sender.js';
import { JAEGER_PACKAGE, loadJaegerExporter } from './jaeger-package.js';
import { JaegerThriftExporter } from './jaeger-thrift.sender.js';

/** Creates a batcher that sends spans to Jaeger in Thrift, and starts loading its package. */
export function createJaegerBatcher(
  target: JaegerTarget,
  batch: BatchLimits,
  maxBytes: number,
): ItemBatcher<ReadableSpan> {
  const limits = resolveBatchLimits('traces', batch);
  const sender = new LazySender<ItemRequest<ReadableSpan>>(
    JAEGER_PACKAGE,
    async () => new JaegerThriftExporter(target, await loadJaegerExporter()),
  );
  const { queue, health } = createExportQueue(destination(target), sender, {
    maxItems: limits.maxQueueSize,
    maxBytes,
    attemptTimeoutMs: limits.exportTimeoutMillis,
    minRetryMs: limits.exportTimeoutMillis,
  });
  return new ItemBatcher(queue, health, limits);
}

/** Names a Jaeger target in reports and warnings. */
function destination(target: JaegerTarget): ExporterDestination {
  if (target.transport === 'http')
    return {
      signal: 'traces',
      protocol: 'jaeger-http',
      name: 'Jaeger Thrift over HTTP',
      endpoint: target.url,
    };
  const host = isIPv6(target.host) ? `[${target.host}]` : target.host;
  return {
    signal: 'traces',
    protocol: 'jaeger-udp',
    name: `Jaeger ${target.protocol} Thrift over UDP`,
    endpoint: `udp://${host}:${target.port}`,
  };
}
