import { types } from 'node:util';

import {
  type Attributes,
  type Observable,
  type ObservableCallback,
  type ObservableResult,
} from '@opentelemetry/api';

import { readSafely, textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { bindsLater, BoundInstrument, type CreateInstrument } from './instrument-handles.js';

/** Values that one callback may return; more than any limit on series allows. */
const MAX_OBSERVATIONS = 10_000;

/** One value of an observable instrument, with the labels of its series. */
export interface Observation {
  readonly value: number;
  readonly attributes?: Attributes;
}

/** What a callback may return: one value, or one for each set of attributes. */
export type Observations = number | readonly Observation[];

/** Called at each collection: calls `result.observe(value, attributes)`, or returns values. */
export type ObserveCallback =
  ObservableCallback | ((result: ObservableResult) => Observations | Promise<Observations>);

/** A callback of an observable instrument, which keeps alive what it refers to. */
export interface ObserveRegistration extends Disposable {
  /** Removes the callback: in `onModuleDestroy`, or by `using` at the end of a block. */
  readonly remove: () => void;
}

/**
 * An observable instrument whose callbacks follow the SDK that runs. A callback that throws logs
 * one warning and observes nothing.
 */
export class ObservableHandle implements Observable {
  private readonly callbacks = new Map<ObserveCallback, ObservableCallback>();
  private readonly bound: BoundInstrument<Observable>;
  private registeredOn: Observable | undefined;

  constructor(
    scope: string,
    create: CreateInstrument<Observable>,
    private readonly name: string,
  ) {
    this.bound = new BoundInstrument(scope, create);
  }

  /** Adds a callback; the same function is not added twice. */
  addCallback(callback: ObserveCallback): void {
    if (this.callbacks.has(callback)) return;
    const guarded: ObservableCallback = (result) => this.observe(callback, result);
    this.callbacks.set(callback, guarded);
    if (bindsLater()) return;
    this.bind();
    this.registeredOn?.addCallback(guarded);
  }

  /** Removes a callback, which keeps alive what it refers to. */
  removeCallback(callback: ObserveCallback): void {
    const guarded = this.callbacks.get(callback);
    if (guarded === undefined) return;
    this.callbacks.delete(callback);
    this.registeredOn?.removeCallback(guarded);
  }

  /** Moves the callbacks to the SDK that runs now, if that has changed. */
  bind(): void {
    const instrument = this.bound.current;
    if (instrument === this.registeredOn) return;
    for (const guarded of this.callbacks.values()) {
      this.registeredOn?.removeCallback(guarded);
      instrument.addCallback(guarded);
    }
    this.registeredOn = instrument;
  }

  private observe(callback: ObserveCallback, result: ObservableResult): void | Promise<void> {
    try {
      const observed: unknown = callback(result);
      if (!types.isPromise(observed)) {
        report(observed, result);
        return;
      }
      return observed.then(
        (late: unknown) => {
          report(late, result);
        },
        (error: unknown) => {
          this.warn(error);
        },
      );
    } catch (error) {
      this.warn(error);
    }
  }

  private warn(error: unknown): void {
    warnOnce(
      `metrics:callback:${this.name}`,
      `The callback of instrument '${this.name}' failed: ${textOf(error)}`,
    );
  }
}

function report(observed: unknown, result: ObservableResult): void {
  if (typeof observed === 'number') result.observe(observed);
  else if (Array.isArray(observed)) {
    for (const item of (observed as unknown[]).slice(0, MAX_OBSERVATIONS)) {
      const value = readSafely(() => (item as Partial<Observation>).value);
      result.observe(
        value as number,
        readSafely(() => (item as Partial<Observation>).attributes) as Attributes,
      );
    }
  }
}
