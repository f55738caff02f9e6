import { type Attributes, type Context, type Counter, type Histogram } from '@opentelemetry/api';

import { warnOnce } from '../errors/warnings.js';
import { textOf } from '../engine/copy-bounded.js';
import { BoundInstrument } from './bound-instrument.js';

/** A `Counter` or `UpDownCounter` that can be asked for at any time: it adds to the SDK that runs when it is used. */
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

/** A `Histogram` or `Gauge` that can be asked for at any time: it records into the SDK that runs when it is used. */
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
