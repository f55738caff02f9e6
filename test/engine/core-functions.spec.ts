import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import * as core from '@opentelemetry/core';

import * as suppression from '../../lib/engine/suppressed-tracing.js';
import * as time from '../../lib/engine/time-input.js';
import { foreignServerSpanIn } from '../../lib/instrumentation/http-server/server-span.js';

describe('what stands for functions of @opentelemetry/core', () => {
  it('suppresses for the SDK, and notices when the SDK suppresses', () => {
    expect(core.isTracingSuppressed(suppression.suppressTracing(ROOT_CONTEXT))).toBe(true);
    expect(suppression.isTracingSuppressed(core.suppressTracing(ROOT_CONTEXT))).toBe(true);
    expect(
      suppression.isTracingSuppressed(core.unsuppressTracing(suppression.suppressTracing(ROOT_CONTEXT))),
    ).toBe(false);
    expect(suppression.isTracingSuppressed(ROOT_CONTEXT)).toBe(false);
  });

  it('finds the span of a request where the HTTP instrumentation of OpenTelemetry keeps it', () => {
    const span = Object.assign(
      trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
      {
        kind: SpanKind.SERVER,
        isRecording: () => true,
      },
    );
    const middleware = trace.setSpan(ROOT_CONTEXT, trace.wrapSpanContext(span.spanContext()));
    expect(foreignServerSpanIn(core.setRPCMetadata(middleware, { type: core.RPCType.HTTP, span }))).toBe(
      span,
    );
    expect(foreignServerSpanIn(middleware)).toBeUndefined();
  });

  it.each([
    [0],
    [12.345_678],
    [Date.now()],
    [Date.now() + 0.123_456],
    [performance.timeOrigin / 2],
    [performance.now()],
    [999.999_999_9],
    [new Date(1_700_000_000_123)],
    [new Date(-1_500)],
    [[1_700_000_000, 5] as [number, number]],
  ])('reads the instant %p as the SDK does', (instant) => {
    expect(time.isTimeInput(instant)).toBe(true);
    expect(time.isTimeInputHrTime(instant)).toBe(core.isTimeInputHrTime(instant));
    expect(time.timeInputToHrTime(instant)).toEqual(core.timeInputToHrTime(instant));
  });

  it.each([[undefined], [null], ['2024-01-01'], [[1]], [[1, '2']], [{}]])(
    'refuses %p as the SDK does',
    (value) => {
      expect(time.isTimeInput(value)).toBe(core.isTimeInput(value));
      expect(() => time.timeInputToHrTime(value as never)).toThrow(TypeError);
      expect(() => core.timeInputToHrTime(value as never)).toThrow(TypeError);
    },
  );

  it('counts durations and milliseconds as the SDK does', () => {
    for (const [start, end] of [
      [
        [5, 900_000_000],
        [7, 100_000_000],
      ],
      [
        [5, 1],
        [5, 2],
      ],
    ] as [[number, number], [number, number]][]) {
      expect(time.hrTimeDuration(start, end)).toEqual(core.hrTimeDuration(start, end));
      expect(time.hrTimeToMilliseconds(end)).toBe(core.hrTimeToMilliseconds(end));
    }
    for (const ms of [0, 1.5, 1_700_000_000_123.25])
      expect(time.millisToHrTime(ms)).toEqual(core.millisToHrTime(ms));
  });
});
