import { type JsonAttributes } from '../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import { type InstrumentAnswer } from '../../../lib/dashboard/reader/answers/metrics.interface.js';
import { type SpanAnswer } from '../../../lib/dashboard/reader/answers/traces.interface.js';
import { type TelemetryReader } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';

/** Which process something is of. */
export interface WrittenOrigin {
  /** `service.version`; `1.0.0` when it is missing. */
  readonly version?: string;
  /** `deployment.environment.name`; `test` when it is missing. */
  readonly environment?: string;
  /** `service.instance.id`; none when it is missing. */
  readonly instance?: string;
  /** `host.name`; none when it is missing. */
  readonly host?: string;
}

/** A span as the suite writes it; an implementation stores it in its own way. */
export interface WrittenSpan extends Omit<SpanAnswer, 'source' | 'links'>, WrittenOrigin {
  readonly links?: SpanAnswer['links'];
  /** Of a span that enters a service. */
  readonly method?: string;
  readonly route?: string;
  /** Status code of HTTP. */
  readonly outcome?: string;
}

export interface WrittenLog extends WrittenOrigin {
  readonly service: string;
  readonly time: number;
  /** pino's number. */
  readonly level: number;
  readonly context?: string;
  readonly message: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly attributes: JsonAttributes;
}

/** One report of a series. */
export interface WrittenPoint extends WrittenOrigin {
  readonly service: string;
  /** `service.instance.id`; none when it is missing. */
  readonly instance?: string;
  readonly name: string;
  readonly type: InstrumentAnswer['type'];
  readonly unit: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly time: number;
  /** Counter: what was added. Histogram: the sum. Others: the value. */
  readonly value: number;
  /** Histogram: counts between `boundaries`. */
  readonly counts?: readonly number[];
  readonly boundaries?: readonly number[];
  /** Histogram: the lowest and the highest value. */
  readonly min?: number;
  readonly max?: number;
}

export interface Telemetry {
  readonly spans?: readonly WrittenSpan[];
  readonly logs?: readonly WrittenLog[];
  readonly points?: readonly WrittenPoint[];
}

/** A reader over an empty database, and the way to fill it. */
export interface ReaderUnderTest {
  readonly reader: TelemetryReader;
  /** Resolves when questions find it. */
  write(telemetry: Telemetry): Promise<void>;
  close(): Promise<void>;
}

let ids = 0;
export const newTraceId = (): string => `a${(ids += 1).toString(16).padStart(31, '0')}`;
export const newSpanId = (): string => `b${(ids += 1).toString(16).padStart(15, '0')}`;

/** `GET /orders/:id` of `orders`, answered with 200 after 5 ms. */
export function requestOf(start: number, more: Partial<WrittenSpan> = {}): WrittenSpan {
  return {
    traceId: newTraceId(),
    spanId: newSpanId(),
    parentSpanId: undefined,
    service: 'orders',
    scope: 'test',
    name: 'GET /orders/:id',
    kind: 'server',
    start,
    durationMs: 5,
    status: 'unset',
    statusMessage: undefined,
    attributes: {},
    events: [],
    method: 'GET',
    route: '/orders/:id',
    outcome: '200',
    ...more,
  };
}

/** A span inside of another one. */
export function childOf(
  { traceId, spanId, service, start }: WrittenSpan,
  more: Partial<WrittenSpan> = {},
): WrittenSpan {
  return {
    traceId,
    spanId: newSpanId(),
    parentSpanId: spanId,
    service,
    scope: 'test',
    name: 'work',
    kind: 'internal',
    start: start + 1,
    durationMs: 2,
    status: 'unset',
    statusMessage: undefined,
    attributes: {},
    events: [],
    ...more,
  };
}

/** A line of `orders`, level info. */
export function lineOf(time: number, more: Partial<WrittenLog> = {}): WrittenLog {
  return { service: 'orders', time, level: 30, message: 'Processing started', attributes: {}, ...more };
}
