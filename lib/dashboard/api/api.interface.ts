import { type LogAnswer } from '../reader/answers/logs.interface.js';
import { type TraceSummaryAnswer } from '../reader/answers/traces.interface.js';

/** The JSON of every answer that is not 2xx. */
export interface ApiError {
  readonly error: { readonly status: number; readonly message: string };
}

/** A line of `GET /stream`. */
export type StreamItem =
  | { readonly type: 'trace'; readonly trace: TraceSummaryAnswer }
  | { readonly type: 'log'; readonly log: LogAnswer }
  | { readonly type: 'beat'; readonly time: number };
