import type { Attributes, Context, Histogram, MetricOptions } from '@opentelemetry/api';

import {
  DURATION_BUCKETS_SECONDS,
  JOB_BUCKETS_SECONDS,
  METRIC_MESSAGING_CLIENT_OPERATION_DURATION,
  METRIC_MESSAGING_PROCESS_DURATION,
} from '../config/semantic-conventions.constants.js';
import { ValueTree } from '../metrics-sdk/value-tree.js';
import { type Undo, undoAll } from '../process/undo-all.js';
import { histogram, observableCounter, observableGauge, observableUpDownCounter } from './instruments.js';
import { type ObserveCallback } from './observable-handle.js';

/** Scope of the instruments of this library. */
export const INSTRUMENTATION_SCOPE = 'nestjs-telemetry';

/** How long some work took, and how it ended. */
export interface Outcome {
  readonly durationSeconds: number;
  /** What went wrong: class names, codes and names of statuses, never messages. */
  readonly errorType?: string | undefined;
  /** The context of the work, so that the measurement knows its span. Default: the active one. */
  readonly context?: Context | undefined;
}

/** A histogram of durations in seconds; its buckets are by default those of requests and calls. */
export function durations(
  name: string,
  description: string,
  explicitBucketBoundaries = DURATION_BUCKETS_SECONDS,
): Histogram {
  return histogram(INSTRUMENTATION_SCOPE, name, {
    description,
    unit: 's',
    advice: { explicitBucketBoundaries },
  });
}

/** Of messages and of jobs of queues. */
export const processing = durations(
  METRIC_MESSAGING_PROCESS_DURATION,
  'Duration of processing a message or job.',
  JOB_BUCKETS_SECONDS,
);
/** Of messages and of jobs of queues. */
export const sending = durations(
  METRIC_MESSAGING_CLIENT_OPERATION_DURATION,
  'Duration of handing messages or jobs over.',
);

type Observe = (name: string, options: MetricOptions, callback: ObserveCallback) => void;

/** Registers observable instruments that are removed together. */
export interface Observables {
  readonly gauge: Observe;
  readonly counter: Observe;
  readonly upDownCounter: Observe;
  readonly remove: Undo;
}

export function createObservables(): Observables {
  const undo: Undo[] = [];
  const register =
    (observe: typeof observableGauge): Observe =>
    (name, options, callback) => {
      undo.push(observe(INSTRUMENTATION_SCOPE, name, callback, options).remove);
    };
  return {
    gauge: register(observableGauge),
    counter: register(observableCounter),
    upDownCounter: register(observableUpDownCounter),
    remove: undoAll(undo),
  };
}

/** The number of series the SDK keeps for each instrument. */
const MAX_SETS = 2_000;

type LabelValue = string | number | undefined;

/**
 * Returns a function that makes labels of values, given in the order of `names`; one that is
 * undefined is left out. The same values give the same frozen object, whose series the SDK finds
 * fast. Holds 2,000 such objects; further ones are made anew each time.
 */
export function createLabels<const N extends readonly string[]>(
  ...names: N
): (...values: { [I in keyof N]: LabelValue }) => Readonly<Attributes> {
  const known = new ValueTree<Readonly<Attributes>>();
  let size = 0;
  const make = (values: readonly LabelValue[]): Readonly<Attributes> => {
    const entries = names.map((name, index) => [name, values[index]] as const);
    const labels = Object.freeze(Object.fromEntries(entries.filter(([, value]) => value !== undefined)));
    if (size >= MAX_SETS) return labels;
    size += 1;
    let place: ValueTree<Readonly<Attributes>> | undefined = known;
    for (const value of values) place = place?.add(value);
    if (place !== undefined) place.value = labels;
    return labels;
  };
  return (...values) => {
    let place: ValueTree<Readonly<Attributes>> | undefined = known;
    for (const value of values) place = place?.get(value);
    return place?.value ?? make(values);
  };
}
