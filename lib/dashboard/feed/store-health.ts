import {
  METRIC_STORE_DROPPED,
  METRIC_STORE_QUEUE_SIZE,
} from '../../config/semantic-conventions.constants.js';
import { DeliveryLog } from '../../exporters/delivery-log.js';
import { observableCounter, observableUpDownCounter } from '../../metrics/instruments.js';
import { type ObserveCallback } from '../../metrics/observable-handle.js';
import { INSTRUMENTATION_SCOPE } from '../../metrics/own-instruments.js';

const LOOK_MS = 1_000;

/** What is asked of a store. */
export interface LossySource {
  readonly file: string;
  /** Rows that wait to be written. */
  readonly queued: number;
  /** Rows lost so far. */
  readonly dropped: number;
}

/**
 * Logs what the embedded store loses, as exporters log their losses. Returns what ends that, after a last look.
 *
 * @param settings.onLoss called when rows were lost since the last look
 */
export function watchStoreLosses(
  store: LossySource,
  { everyMs = LOOK_MS, onLoss }: { readonly everyMs?: number; readonly onLoss?: () => void } = {},
): () => void {
  const log = new DeliveryLog({
    key: 'store:dropped',
    signal: 'telemetry',
    items: 'rows',
    destination: `${store.file} (the embedded store)`,
  });
  let known = store.dropped;
  const look = (): void => {
    const { dropped, queued } = store;
    const lost = dropped - known;
    known = dropped;
    if (lost <= 0) {
      log.worked();
      return;
    }
    // A row that is refused finds a full queue; one that cannot be written leaves it.
    const reason =
      queued > 0 ? 'rows come faster than they can be written' : 'some rows could not be made or written';
    const remedy =
      'Record fewer (sampling, logging.level), put store.file on a faster disk with room, or send telemetry to a collector.';
    onLoss?.();
    log.lost(lost, { reason, remedy });
  };
  const timer = setInterval(look, everyMs).unref();
  return () => {
    clearInterval(timer);
    look();
    log.close();
  };
}

/** Registers metrics of the rows that are lost and that wait. Returns a function that removes them. */
export function startStoreMetrics(store: LossySource): () => void {
  const unit = '{row}';
  const observeDropped: ObserveCallback = (result) => {
    result.observe(store.dropped);
  };
  const observeQueued: ObserveCallback = (result) => {
    result.observe(store.queued);
  };
  const dropped = observableCounter(INSTRUMENTATION_SCOPE, METRIC_STORE_DROPPED, observeDropped, {
    unit,
    description: 'Rows that the embedded store has lost.',
  });
  const queued = observableUpDownCounter(INSTRUMENTATION_SCOPE, METRIC_STORE_QUEUE_SIZE, observeQueued, {
    unit,
    description: 'Rows that wait to be written to the embedded store.',
  });
  return () => {
    dropped.remove();
    queued.remove();
  };
}
