import { setImmediate } from 'node:timers/promises';

import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  configureTelemetry,
  getTelemetry,
  type InstrumentationOptions,
  type TelemetryHandle,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

const ATTR_POOL_NAME = 'db.client.connection.pool.name';

/** Telemetry that keeps what clients of databases record. */
export class ObservedCalls {
  private constructor(
    readonly probe: TelemetryProbe,
    private readonly telemetry: TelemetryHandle,
    private readonly undo: () => void,
  ) {}

  /**
   * @param instrument instruments what jest has loaded, and returns its undo; it is undone at the stop
   * @param instrumentation switches beside the one that keeps measurements of the runtime out
   */
  static start(
    instrument: () => () => void = () => () => undefined,
    instrumentation: InstrumentationOptions = {},
  ): ObservedCalls {
    const probe = createTelemetryProbe();
    return new ObservedCalls(
      probe,
      configureTelemetry({
        ...probe.options,
        instrumentation: { ...instrumentation, runtimeMetrics: false },
      }),
      instrument(),
    );
  }

  /**
   * Runs `work` in a span and gives the CLIENT spans directly below it, in the order they began, without the waits for a
   * connection: on a busy machine, any of them takes long enough for a span.
   */
  async below(work: () => Promise<unknown>): Promise<readonly ReadableSpan[]> {
    return (await this.belowWithWaits(work)).filter(({ attributes }) => !(ATTR_POOL_NAME in attributes));
  }

  /** The same with the waits. */
  async belowWithWaits(work: () => Promise<unknown>): Promise<readonly ReadableSpan[]> {
    this.probe.reset();
    await getTelemetry('backends').trace('caller', work);
    // jest has a `Promise` of its own: `diagnostics_channel` takes one for foreign, and hears of its end some microtasks late.
    await setImmediate();
    const caller = this.probe.span('caller').spanContext().spanId;
    return this.probe
      .spans()
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === caller)
      .sort((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1]);
  }

  /** The names of what `below` gives. */
  async namesBelow(work: () => Promise<unknown>): Promise<readonly string[]> {
    return (await this.below(work)).map(({ name }) => name);
  }

  /** How many measurements of `db.client.operation.duration` have these attributes among theirs. */
  async measured(attributes: Readonly<Record<string, unknown>>): Promise<number> {
    const metric = await this.probe.metric('db.client.operation.duration');
    const points = (metric?.dataPoints ?? []).filter((point) =>
      Object.entries(attributes).every(([name, value]) => point.attributes[name] === value),
    );
    return points.reduce((sum, { value }) => sum + (value as { count: number }).count, 0);
  }

  stop(): Promise<void> {
    this.undo();
    return this.telemetry.shutdown();
  }
}
