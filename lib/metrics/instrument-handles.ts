import {
  type Attributes,
  type Context,
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api';
import { type MeterProvider as SdkMeterProvider } from '@opentelemetry/sdk-metrics';

import { textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { beforeCollections } from '../metrics-sdk/before-collections.js';

/** Makes one instrument on a meter; called again for each MeterProvider that is registered. */
export type CreateInstrument<I> = (meter: Meter) => I;

const followers: (() => void)[] = [];
let noticed: MeterProvider | undefined;
/** Its collections call `noticeMeterProvider()`. */
let collecting: MeterProvider | undefined;

/** Calls `follow` when another MeterProvider is noticed. */
export function onMeterProviderChange(follow: () => void): void {
  followers.push(follow);
}

/**
 * Moves every observable instrument to the MeterProvider that is registered now. This also happens
 * when any other instrument is used, but a process may have none.
 */
export function noticeMeterProvider(): void {
  const provider = metrics.getMeterProvider();
  if (provider === noticed) return;
  noticed = provider;
  for (const follow of followers) follow();
}

/**
 * Moves every observable instrument to a provider of our SDK, which has just started, at its first
 * collection: to make all of them takes long, and many a process of a test suite collects nothing.
 */
export function bindAtFirstCollection(provider: SdkMeterProvider): void {
  if (beforeCollections(provider, noticeMeterProvider)) collecting = provider;
  else noticeMeterProvider();
}

/** Whether the first collection of the registered provider will move the observable instruments. */
export function bindsLater(): boolean {
  const provider = metrics.getMeterProvider();
  return provider === collecting && provider !== noticed;
}

/**
 * Holds an instrument of the MeterProvider that is registered now. The API has no proxy for meters:
 * an instrument that was made before the SDK starts would drop its measurements for ever.
 */
export class BoundInstrument<I> {
  private provider: MeterProvider | undefined;
  private instrument: I | undefined;

  constructor(
    private readonly scope: string,
    private readonly create: CreateInstrument<I>,
  ) {}

  /** The instrument to record on, made anew when the provider has changed. */
  get current(): I {
    const provider = metrics.getMeterProvider();
    if (provider === this.provider && this.instrument !== undefined) return this.instrument;
    this.provider = provider;
    this.instrument = this.bind(provider);
    if (provider !== collecting) noticeMeterProvider();
    return this.instrument;
  }

  private bind(provider: MeterProvider): I {
    try {
      return this.create(provider.getMeter(this.scope));
    } catch (error) {
      // A foreign MeterProvider may refuse what the specification allows.
      warnOnce(`metrics:create:${this.scope}`, `an instrument could not be created: ${textOf(error)}`);
      return this.create(createNoopMeter());
    }
  }
}

/** A `Counter` or `UpDownCounter` that adds to the SDK that runs when it is used. */
export class CounterHandle extends BoundInstrument<Counter> implements Counter {
  /** Adds `value`, which must not be negative on a counter. */
  add(value: number, attributes?: Attributes, context?: Context): void {
    try {
      this.current.add(value, attributes, context);
    } catch (error) {
      warnLost(error);
    }
  }
}

/** A `Histogram` or `Gauge` that records into the SDK that runs when it is used. */
export class RecorderHandle extends BoundInstrument<Histogram> implements Histogram {
  record(value: number, attributes?: Attributes, context?: Context): void {
    try {
      this.current.record(value, attributes, context);
    } catch (error) {
      warnLost(error);
    }
  }
}

/** Only an SDK of the application's own throws: the instruments of ours take any value. */
function warnLost(error: unknown): void {
  warnOnce('metrics:foreign', `A measurement is lost, because the metrics SDK refused it: ${textOf(error)}`);
}
