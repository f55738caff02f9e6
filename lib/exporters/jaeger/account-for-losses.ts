import { type JaegerSender, type SenderCallback } from './jaeger-sender.interface.js';

/** What became of the spans of one export that did not get away. */
export interface Losses {
  /** Spans of packets or requests that could not be sent. */
  failed: number;
  /** Spans that no packet can hold. */
  dropped: number;
  /** Why the last packet or request failed. */
  error: string | undefined;
  /** Which span the last one was that no packet can hold. */
  tooLarge: string | undefined;
}

/**
 * Makes a sender write into the current account what it loses and carry on, where the exporter would give up the
 * rest of the batch at the first error.
 */
export function accountForLosses(sender: JaegerSender, account: () => Losses): void {
  const append = sender.append.bind(sender);
  const flush = sender.flush.bind(sender);

  sender.append = (span, callback) => {
    append(span, (count, error) => {
      if (error !== undefined) {
        const losses = account();
        losses.dropped += 1;
        losses.tooLarge = `the span "${span.operationName}" does not fit into a UDP packet: ${error} (bytes)`;
      }
      callback(count);
    });
  };
  // append() sends a full packet through this as well, so each packet is accounted for here and only here.
  sender.flush = (callback: SenderCallback) => {
    flush((count, error) => {
      if (error !== undefined) {
        const losses = account();
        losses.failed += count;
        losses.error = error;
      }
      callback(count);
    });
  };
}
