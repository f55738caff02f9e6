import { type JsonAttributes } from './answer-parts.interface.js';

export interface LogAnswer {
  /** Tells log lines apart: any whole number below 2^53. */
  readonly id: number;
  readonly time: number;
  /** As pino names it: trace, debug, info, warn, error, fatal. */
  readonly level: string;
  readonly service: string;
  readonly context: string | undefined;
  readonly message: string;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly attributes: JsonAttributes;
}

/** Log lines over time. */
export interface LogVolumeAnswer {
  /** Begin of each bucket; the first may begin before the range, but has only its lines. */
  readonly times: readonly number[];
  /** How many lines each bucket has, by level; levels without lines are left out. */
  readonly counts: Readonly<Record<string, readonly number[]>>;
  /** Since when lines of chosen processes were counted, where older ones were left out. */
  readonly since?: number | undefined;
}
