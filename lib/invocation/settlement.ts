import { textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';

/** Observes how the work that a call started ends: exactly one of the three endings is called, exactly once. */
export interface ResultObserver {
  /** The work is done. `value` is what was returned, or what the promise resolved to; absent for what yields many. */
  onSuccess(value?: unknown): void;
  /** The work failed with the very object that the caller receives. */
  onError(error: unknown): void;
  /** The caller stopped before the end: unsubscribed, left the loop, destroyed the stream. Default: `onSuccess()`. */
  onCancel?(): void;
  /** Runs a step that happens after the call returned, inside the context of the call. Default: runs it as it is. */
  run?<R>(step: () => R): R;
  /** The observer of a second subscription to the same Observable (`retry`, `repeat`). Default none. */
  onResubscribe?(): ResultObserver;
}

/** Passes the first ending to an observer and drops later ones; never throws into the observed work. */
export class Settlement {
  private done = false;

  constructor(readonly observer: ResultObserver) {}

  get settled(): boolean {
    return this.done;
  }

  succeed(value?: unknown): void {
    if (this.take())
      notify(() => {
        this.observer.onSuccess(value);
      });
  }

  fail(error: unknown): void {
    if (this.take())
      notify(() => {
        this.observer.onError(error);
      });
  }

  cancel(): void {
    if (!this.take()) return;
    notify(() => {
      if (this.observer.onCancel === undefined) this.observer.onSuccess();
      else this.observer.onCancel();
    });
  }

  /** Runs `step` inside the context of the call. */
  run<R>(step: () => R): R {
    return this.observer.run === undefined ? step() : this.observer.run(step);
  }

  private take(): boolean {
    const first = !this.done;
    this.done = true;
    return first;
  }
}

function notify(call: () => void): void {
  try {
    call();
  } catch (error) {
    warnOnce('invocation:observer', `Telemetry could not record how a call ended: ${textOf(error)}`);
  }
}
