import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { type BatchedSignal } from '../sending/batcher.js';

/** A request in the encoding of its protocol that was not sent. */
export interface UnsentRequest extends Pick<OtlpTarget, 'protocol' | 'url'> {
  readonly signal: BatchedSignal;
  /** Number of items. */
  readonly count: number;
  readonly body: Uint8Array;
}

type TakeUnsent = () => readonly UnsentRequest[];

const sources = new Set<TakeUnsent>();

/** Registers how to take out of a queue, synchronously, what has not been sent. */
export function onUnsentRequests(take: TakeUnsent): void {
  sources.add(take);
}

/** Takes what no queue of this process has sent; what is being sent right now is in it as well. */
export function takeUnsentRequests(): UnsentRequest[] {
  return [...sources].flatMap((take) => {
    try {
      return [...take()];
    } catch {
      // An item that cannot be encoded must not keep the other queues from being saved.
      return [];
    }
  });
}

/** Forgets the queues of a runtime that has stopped. */
export function forgetUnsentRequests(): void {
  sources.clear();
}
