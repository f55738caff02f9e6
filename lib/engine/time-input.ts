// As `@opentelemetry/core` has them, which is only loaded with the SDK.
import { type HrTime, type TimeInput } from '@opentelemetry/api';

const NANOS_PER_SECOND = 1_000_000_000;

/** Whether a value is a pair of seconds and nanoseconds. */
export function isTimeInputHrTime(value: unknown): value is HrTime {
  return (
    Array.isArray(value) && value.length === 2 && typeof value[0] === 'number' && typeof value[1] === 'number'
  );
}

/** Whether a value is what the API allows for an instant. */
export function isTimeInput(value: unknown): value is TimeInput {
  return isTimeInputHrTime(value) || typeof value === 'number' || value instanceof Date;
}

/**
 * The pair of seconds and nanoseconds since the epoch for what the API allows for an instant: pair, Date, epoch milliseconds, or
 * `performance.now()`.
 *
 * @throws TypeError for anything else
 */
export function timeInputToHrTime(time: TimeInput): HrTime {
  if (isTimeInputHrTime(time)) return time;
  if (typeof time === 'number') {
    if (time >= performance.timeOrigin / 2) return millisToHrTime(time);
    const [originSeconds, originNanos] = millisToHrTime(performance.timeOrigin);
    const [seconds, nanos] = millisToHrTime(time);
    const sum = originNanos + nanos;
    return sum < NANOS_PER_SECOND
      ? [originSeconds + seconds, sum]
      : [originSeconds + seconds + 1, sum - NANOS_PER_SECOND];
  }
  // Not typed so: a caller without types passes anything.
  if (!((time as unknown) instanceof Date)) throw new TypeError('Invalid input type');
  return millisToHrTime(time.getTime());
}

/** Milliseconds since the epoch as a pair of seconds and nanoseconds. */
export function millisToHrTime(epochMs: number): HrTime {
  return [Math.trunc(epochMs / 1_000), Math.round((epochMs % 1_000) * 1_000_000)];
}

export function hrTimeToMilliseconds([seconds, nanos]: HrTime): number {
  return seconds * 1_000 + nanos / 1_000_000;
}

/** What passes from one instant to a later one. */
export function hrTimeDuration(start: HrTime, end: HrTime): HrTime {
  const seconds = end[0] - start[0];
  const nanos = end[1] - start[1];
  return nanos < 0 ? [seconds - 1, nanos + NANOS_PER_SECOND] : [seconds, nanos];
}
