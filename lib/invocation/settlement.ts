import { warnOnce } from '../errors/warnings.js';
import { textOf } from '../engine/copy-bounded.js';
import { type ResultObserver } from './result-observer.interface.js';

/** Tells an observer the first ending and drops every later one; never throws into the work it watches. */
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

function notify(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    warnOnce('invocation:observer', `Telemetry could not record how a call ended: ${textOf(error)}`);
  }
}
