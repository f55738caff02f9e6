import { type HrTime, type TimeInput } from '@opentelemetry/api';

import { fixedSource, type FixedTime } from './fixed-source.js';
import { isTimeInputHrTime } from './time-input.js';

/** Wall clock and monotonic clock may drift apart by this before they are compared anew: a laptop slept, NTP stepped. */
const MAX_DRIFT_MS = 2;
/** Nanoseconds since the epoch are a signed 64-bit number in most stores. */
const MAX_EPOCH_MS = 2 ** 63 / 1_000_000;
/** How often the two are compared, at most: the wall clock costs more to ask than all else about a span's beginning. */
const COMPARED_EVERY_MS = 50;

const fixed = fixedSource();

/**
 * The clock of one local trace: monotonic, so that a span never ends before it started, and anchored to the wall clock
 * when the trace began. Instants are milliseconds since the anchor as numbers; a pair is made on demand.
 */
export class SpanClock {
  protected constructor(
    /** Whole milliseconds since the epoch at which `performance.now()` was `offset`. */
    readonly anchorMs: number,
    private readonly offset: number,
  ) {}

  private static latest = SpanClock.anchoredNow();
  private static comparedAt = 0;

  /** The clock for a trace that begins now. */
  static current(): SpanClock {
    const { time } = fixed;
    if (time !== undefined) return new FixedSpanClock(time);
    const now = performance.now();
    const since = now - SpanClock.comparedAt;
    // A test that replaces the clock lets it begin anew.
    if (since >= 0 && since < COMPARED_EVERY_MS) return SpanClock.latest;
    SpanClock.comparedAt = now;
    const { anchorMs, offset } = SpanClock.latest;
    const drift = Date.now() - (anchorMs + now - offset);
    if (drift >= MAX_DRIFT_MS || drift <= -MAX_DRIFT_MS) SpanClock.latest = SpanClock.anchoredNow();
    return SpanClock.latest;
  }

  /** Milliseconds since the anchor. */
  now(): number {
    return performance.now() - this.offset;
  }

  /**
   * What the API allows for an instant, in milliseconds since the anchor: epoch milliseconds, `performance.now()`, Date, pair.
   * Anything else, and a time that OTLP cannot write, is now.
   */
  instantOf(time: TimeInput | undefined): number {
    if (time === undefined) return this.now();
    try {
      const instant = this.readInstant(time);
      const epochMs = this.anchorMs + instant;
      if (epochMs >= 0 && epochMs < MAX_EPOCH_MS) return instant;
    } catch {
      // No time at all: the moment of the call is the best guess.
    }
    return this.now();
  }

  protected readInstant(time: TimeInput): number {
    if (typeof time === 'number')
      return time <= performance.now() ? time - this.offset : time - this.anchorMs;
    if (isTimeInputHrTime(time)) return time[0] * 1_000 - this.anchorMs + time[1] / 1_000_000;
    return time.getTime() - this.anchorMs;
  }

  /** The value of `performance.now()` at an instant. */
  toMonotonic(instant: number): number {
    return instant + this.offset;
  }

  /** The pair of seconds and nanoseconds since the epoch. */
  toHrTime(instant: number): HrTime {
    const whole = Math.floor(instant);
    const ms = this.anchorMs + whole;
    const seconds = Math.floor(ms / 1_000);
    const nanos = (ms - seconds * 1_000) * 1_000_000 + Math.round((instant - whole) * 1_000_000);
    return nanos < 1_000_000_000 ? [seconds, nanos] : [seconds + 1, nanos - 1_000_000_000];
  }

  private static anchoredNow(): SpanClock {
    const now = performance.now();
    const epoch = drifted(now) ? Date.now() : performance.timeOrigin + now;
    const anchorMs = Math.floor(epoch);
    return new SpanClock(anchorMs, now - (epoch - anchorMs));
  }
}

/** The clock of a trace in a test that moves the time itself. */
class FixedSpanClock extends SpanClock {
  constructor(private readonly time: FixedTime) {
    super(Math.floor(time.epochMs), performance.now());
  }

  override now(): number {
    return this.time.epochMs - this.anchorMs;
  }

  protected override readInstant(time: TimeInput): number {
    // What an instrumentation has measured with the clock of the machine.
    return typeof time === 'number' && time <= performance.now() ? this.now() : super.readInstant(time);
  }
}

/** Whether the process start plus what the monotonic clock counted is not the time any more. */
function drifted(now: number): boolean {
  return Math.abs(Date.now() - (performance.timeOrigin + now)) > MAX_DRIFT_MS;
}
