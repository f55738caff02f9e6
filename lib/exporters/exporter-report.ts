import { processWide } from '../process/process-wide.js';
import { DeliveryLog, type Trouble } from './delivery-log.js';
import { describeError, errorTypeOf, explainExportFailure } from './export-failure.js';
import type { Delivery } from './sending/sender.js';

export type Signal = 'traces' | 'metrics' | 'logs';

/** Identifies an exporter and its destination. */
export interface ExporterDestination {
  readonly signal: Signal;
  readonly protocol: 'grpc' | 'http/protobuf' | 'http/json' | 'jaeger-udp' | 'jaeger-http';
  /** Its protocol in words, for example `OTLP grpc` or `Jaeger compact Thrift over UDP`. */
  readonly name: string;
  /** Its address, without credentials. */
  readonly endpoint: string;
}

/** The state and counts of one exporter since the start of the SDK. */
interface ExporterReport extends ExporterDestination {
  /** Items that were sent. UDP does not confirm that they arrived. */
  readonly exported: number;
  /** Items whose sending failed. */
  readonly failed: number;
  /** Items that were not sent: the queue was full, or they are too large for the protocol. */
  readonly dropped: number;
  readonly lastSuccess: Date | undefined;
  readonly lastError: { readonly message: string; readonly at: Date } | undefined;
}

const reportedExporters = processWide('exporter-reports', () => new Set<ExporterHealth>());

/** Reports of all configured exporters, in the order of the configuration. */
export function exporterReports(): ExporterReport[] {
  return [...reportedExporters].map((health) => health.report());
}

/** The health of all configured exporters, in the order of the configuration. */
export function exporterHealths(): ExporterHealth[] {
  return [...reportedExporters];
}

/** Removes the exporters of a signal from the list, before a new start adds its own. */
export function resetExporterReports(signal: Signal): void {
  for (const health of reportedExporters) {
    if (health.destination.signal === signal) reportedExporters.delete(health);
  }
}

const ITEMS: Record<Signal, string> = { traces: 'spans', logs: 'log records', metrics: 'data points' };

/** `error.type` of items that a receiver rejected (OTLP partial success). */
const REJECTED = 'rejected';

/** The size of a queue. */
export interface QueueGauge {
  /** Waiting items. */
  size(): number;
  /** Most items that can wait. */
  readonly capacity: number;
}

/**
 * Counts the items that an exporter sends and loses, and logs each change of its state:
 * OpenTelemetry's diagnostic logger is silent unless the application sets one.
 */
export class ExporterHealth {
  /** Items whose export has ended, by `error.type`; the empty string means success. */
  readonly exportedByErrorType = new Map<string, number>();
  /** Items that left the queue, or did not fit into it, by `error.type`. */
  readonly processedByErrorType = new Map<string, number>();
  /** Items that are being sent. */
  inflight = 0;
  /** Since when the destination fails, on the clock of `performance.now()`, and why. */
  failing: { readonly since: number; readonly error: Error } | undefined;
  /** When items were lost last, on the same clock. */
  lostAt: number | undefined;
  queue: QueueGauge | undefined;
  /** Receives the duration of an attempt in seconds, and `error.type` if it failed. */
  onDuration: ((seconds: number, errorType: string | undefined) => void) | undefined;

  private exported = 0;
  private failed = 0;
  private dropped = 0;
  private lastSuccess: Date | undefined;
  private lastError: { message: string; at: Date } | undefined;
  private fullQueue: { limit: 'items' | 'bytes'; cause: string; trouble: Trouble } | undefined;
  private readonly log: DeliveryLog;

  constructor(readonly destination: ExporterDestination) {
    const { signal, name, endpoint } = destination;
    this.log = new DeliveryLog({
      key: `export:${signal}:${endpoint}`,
      signal,
      items: ITEMS[signal],
      destination: `${endpoint} (${name})`,
    });
    reportedExporters.add(this);
  }

  report(): ExporterReport {
    const { exported, failed, dropped, lastSuccess, lastError } = this;
    return { ...this.destination, exported, failed, dropped, lastSuccess, lastError };
  }

  /** Items leave the queue to be sent. */
  begin(count: number): void {
    this.inflight += count;
    add(this.processedByErrorType, '', count);
  }

  /** Items are sent or lost. */
  end(count: number): void {
    this.inflight -= count;
  }

  /** Records the duration of one attempt. */
  measure(seconds: number, delivery: Delivery): void {
    if (delivery.outcome !== 'sent') this.onDuration?.(seconds, errorTypeOf(delivery.error));
    else this.onDuration?.(seconds, (delivery.rejected ?? 0) > 0 ? REJECTED : undefined);
  }

  /** Records an attempt that failed and will be repeated. */
  delay(error: Error): void {
    this.noteFailure(error);
    this.log.delayed(explainExportFailure(this.destination, error));
  }

  /** Records how the export of `count` items ended. */
  settle(count: number, delivery: Exclude<Delivery, { outcome: 'retry' }>): void {
    if (delivery.outcome === 'sent') this.settleSent(count, delivery.rejected ?? 0, delivery.message);
    else this.settleFailed(count, delivery);
  }

  /** Records items that were dropped because the queue was full. */
  dropFromQueue(count: number, limit: 'items' | 'bytes'): void {
    this.dropped += count;
    add(this.processedByErrorType, 'queue_full', count);
    this.noteLoss(count, this.troubleOfFullQueue(limit));
  }

  /** Records an item that could not be encoded. */
  dropUnreadable(error: unknown): void {
    this.dropped += 1;
    add(this.processedByErrorType, errorTypeOf(error), 1);
    this.noteLoss(1, {
      reason: `it could not be encoded (${describeError(error)})`,
      remedy: 'Pass plain values as attributes.',
    });
  }

  /** Logs losses that were not logged yet. */
  close(): void {
    this.log.close();
  }

  private settleSent(count: number, refused: number, message: string | undefined): void {
    // A receiver may report more than it got.
    const rejected = Math.min(Math.max(refused, 0), count);
    this.exported += count - rejected;
    this.failed += rejected;
    this.failing = undefined;
    if (count > rejected) add(this.exportedByErrorType, '', count - rejected);
    if (rejected > 0) add(this.exportedByErrorType, REJECTED, rejected);
    if (rejected === 0) {
      this.lastSuccess = new Date();
      if (message === undefined) this.log.worked();
      else this.log.advised(message);
      return;
    }
    const error = new Error(`rejected by the receiver: ${message ?? 'no reason given'}`);
    this.lastError = { message: error.message, at: new Date() };
    this.noteLoss(rejected, explainExportFailure(this.destination, error));
  }

  private settleFailed(count: number, delivery: Extract<Delivery, { outcome: 'failed' }>): void {
    const dropped = delivery.dropped ?? 0;
    const failed = delivery.failed ?? count - dropped;
    const sent = count - dropped - failed;
    this.exported += sent;
    this.dropped += dropped;
    this.failed += failed;
    if (sent > 0) add(this.exportedByErrorType, '', sent);
    if (dropped + failed === 0) return;
    add(this.exportedByErrorType, errorTypeOf(delivery.error), dropped + failed);
    // The rest of the batch was sent, so the destination works.
    if (failed > 0) this.noteFailure(delivery.error);
    else this.lastSuccess = new Date();
    this.noteLoss(dropped + failed, explainExportFailure(this.destination, delivery.error));
  }

  private noteLoss(count: number, trouble: Trouble): void {
    this.lostAt = performance.now();
    this.log.lost(count, trouble);
  }

  private noteFailure(error: Error): void {
    this.failing = { since: this.failing?.since ?? performance.now(), error };
    this.lastError = { message: describeError(error), at: new Date() };
  }

  /** Called for each dropped item: the explanation is kept while its cause is the same. */
  private troubleOfFullQueue(limit: 'items' | 'bytes'): Trouble {
    const cause = this.failing === undefined ? '' : (this.lastError?.message ?? '');
    const known = this.fullQueue;
    if (known?.limit === limit && known.cause === cause) return known.trouble;
    const trouble = this.explainFullQueue(limit, cause);
    this.fullQueue = { limit, cause, trouble };
    return trouble;
  }

  private explainFullQueue(limit: 'items' | 'bytes', cause: string): Trouble {
    const { signal } = this.destination;
    const variables = signal === 'logs' ? 'OTEL_BLRP_*' : 'OTEL_BSP_*';
    const limits = limit === 'bytes' ? 'limits.queueBytes / TELEMETRY_QUEUE_BYTES' : variables;
    const full = limit === 'bytes' ? 'the queue is full (bytes)' : 'the queue is full';
    if (cause !== '') {
      const { remedy } = explainExportFailure(this.destination, new Error(cause));
      return { reason: `${full} because sending fails: ${cause}`, remedy };
    }
    return {
      reason: `${full} because they are produced faster than they are accepted`,
      remedy: `Check that the receiver answers quickly, record fewer (sampling), or raise the limits ${limits}.`,
    };
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}
