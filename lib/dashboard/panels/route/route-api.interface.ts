import { type ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type OperationAnswer } from '../../reader/answers/operations.interface.js';
import {
  type DurationsAnswer,
  type RouteAnswer,
  type RouteVersionAnswer,
} from '../../reader/answers/traffic.interface.js';
import { type Regression } from '../overview/regressions.js';
import { type TimeKind } from '../trace/analysis/time-kinds.js';

/** On what requests of a route spend their time, on average. */
export interface RouteTimeKind {
  readonly kind: TimeKind;
  /** Of the newest requests. */
  readonly typicalMs: number;
  /** Of the slowest. */
  readonly slowMs: number;
  /** The span of all of them with the most self time of this kind. */
  readonly slowest: {
    readonly traceId: string;
    readonly spanId: string;
    readonly name: string;
    readonly host: string | undefined;
    readonly ms: number;
  };
}

/** What a sample of the requests of a route says. */
export interface SampleAnalysis {
  /** How many were looked at: the newest, and the slowest. */
  readonly newest: number;
  readonly slow: number;
  /** When the oldest of the newest began; undefined where there is none. */
  readonly since: number | undefined;
  readonly byKind: readonly RouteTimeKind[];
  /** What took the most self time within the newest: their own spans, and those of services that they asked. */
  readonly operations: readonly OperationAnswer[];
  /** Requests of the newest that took about as long as half of them. */
  readonly typical: readonly ExemplarAnswer[];
}

/** What is known of one route from sums: of all its requests. */
export interface RoutePageAnswer {
  /** One for each method that it was called or declared with. */
  readonly routes: readonly RouteAnswer[];
  readonly durations: DurationsAnswer;
  /** What each version answered, the newest first. */
  readonly versions: readonly RouteVersionAnswer[];
  /** What got worse, as on the overview. */
  readonly regressions: readonly Regression[];
}

/** What some of its requests say, and some of them. */
export interface RouteSampleAnswer extends SampleAnalysis {
  readonly slowest: readonly ExemplarAnswer[];
  /** The newest first. */
  readonly failed: readonly ExemplarAnswer[];
}

/** Addresses of the panel, and their answers. */
export interface RouteApi {
  readonly 'GET route': RoutePageAnswer;
  readonly 'GET route/sample': RouteSampleAnswer;
}
