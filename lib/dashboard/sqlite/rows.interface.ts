/** The rows of the store. They need nothing of OpenTelemetry: every receiver of telemetry can make them. */

/** Who recorded something. Give the same object for all rows of a process: it is looked up by its identity. */
export interface StoredResource {
  readonly service: string;
  readonly version: string;
  readonly environment: string;
  /** Tells several processes of a service apart, for example `service.instance.id`; empty when nothing does. */
  readonly instance: string;
  /** All attributes, as the text of a JSON object. */
  readonly attributes: string;
}

/** As OpenTelemetry's API numbers the kinds of spans. */
export const SPAN_KIND = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;

/** The names of these numbers. */
export const SPAN_KIND_NAMES = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** As OpenTelemetry's API numbers the status of spans. */
export const SPAN_STATUS = { unset: 0, ok: 1, error: 2 } as const;

/** One span that has ended. */
export interface StoredSpan {
  readonly resource: StoredResource;
  /** Name of the instrumentation scope. */
  readonly scope: string;
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** The first 32 bits of the span's id, signed or not. */
  readonly idHigh: number;
  readonly idLow: number;
  /** Both 0 when the span has no parent. */
  readonly parentHigh: number;
  readonly parentLow: number;
  readonly name: string;
  /** One of `SPAN_KIND`. */
  readonly kind: number;
  /** Microseconds since the epoch. */
  readonly start: number;
  /** Microseconds. */
  readonly duration: number;
  /** One of `SPAN_STATUS`. */
  readonly status: number;
  readonly statusMessage: string | undefined;
  /** The text of a JSON object. */
  readonly attributes: string;
  /** The text of a JSON array of `SpanEventAnswer`; undefined for none. */
  readonly events: string | undefined;
  /** The text of a JSON array of `SpanLinkAnswer`; undefined for none. */
  readonly links: string | undefined;
  /** `http.request.method`, for spans that enter a service. */
  readonly method: string | undefined;
  /** `http.route`, for spans that enter a service. */
  readonly route: string | undefined;
  /** How it ended in one word: the status code of HTTP, gRPC or a message; undefined when it has none. */
  readonly outcome: string | undefined;
  /** How many spans it stands for where only a part was recorded, a whole number; undefined: itself alone. */
  readonly weight?: number | undefined;
}

/** As pino numbers levels: lines from here on say that something went wrong. */
export const ERROR_LEVEL = 50;

/** One log line. */
export interface StoredLog {
  readonly resource: StoredResource;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** pino's number: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal. */
  readonly level: number;
  /** The class that logged. */
  readonly context: string | undefined;
  /** 32 lower-case hexadecimal digits; undefined outside a span. */
  readonly traceId: string | undefined;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string | undefined;
  readonly message: string;
  /** The text of a JSON object; undefined when there are none. */
  readonly attributes: string | undefined;
}

export type StoredInstrumentType = 'counter' | 'updowncounter' | 'gauge' | 'histogram';

/** Where points belong to. Give the same object for all points of an instrument: it is looked up by its identity. */
export interface StoredInstrument {
  readonly resource: StoredResource;
  readonly scope: string;
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly type: StoredInstrumentType;
}

/** A measurement that was made inside a span. */
export interface StoredExemplar {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** What one series of an instrument did up to `time`, since the point before. */
export interface StoredPoint {
  readonly instrument: StoredInstrument;
  /** The text of a JSON object whose keys are sorted: it tells the series of an instrument apart. */
  readonly attributes: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Counter: what was added. Histogram: sum of what was recorded. Up-down counter and gauge: the value that holds. */
  readonly value: number;
  /** Histogram: how many were recorded. */
  readonly count: number;
  /** Histogram: upper bounds of its buckets; empty for those of `valueBucket()`. */
  readonly boundaries?: readonly number[];
  /** Histogram: how many were recorded, by the number of the bucket; those that are 0 are left out. */
  readonly buckets?: ReadonlyMap<number, number> | undefined;
  /** Histogram: the lowest and the highest value recorded, now or since its start; undefined where that is not known. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly exemplars?: readonly StoredExemplar[];
}

/** A route that an application declares, called or not. */
export interface DeclaredRoute {
  /** HTTP method. */
  readonly method: string;
  readonly route: string;
  /** `Class.method`. */
  readonly handler?: string;
}

/** Where a method was written that spans name. */
export interface DeclaredFunction {
  /** `Class.method`, as `code.function.name` has it. */
  readonly name: string;
  /** An absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}
