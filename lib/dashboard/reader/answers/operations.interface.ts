import { type CoverageAnswer } from './answer-parts.interface.js';

export const OPERATION_KINDS = ['request', 'message', 'job', 'method', 'statement', 'call', 'send'] as const;

/**
 * `request` and `message`: what enters a service. `job`: an internal span without a parent. `method`: an internal span inside of another.
 * `statement`: a client span of a database. `call`: any other client span. `send`: a message that is sent.
 */
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Spans of one service, kind, name and target, added up over traces. */
export interface OperationAnswer {
  readonly service: string;
  readonly kind: OperationKind;
  /**
   * `db.query.summary` or `db.query.text` of a statement, `db.operation.name` where the text would have the key, else the name of the
   * spans: at most 200 characters; `(other)` for those beyond the bound.
   */
  readonly name: string;
  /** Database, host or destination. */
  readonly target: string | undefined;
  /** By which `traces()` finds them; undefined where that is their name. */
  readonly attribute: { readonly key: string; readonly value: string } | undefined;
  readonly count: number;
  readonly errors: number;
  /**
   * Time in which none of their children ran, in total. A child counts only within the time of its parent; a store may leave out one that
   * ends after its parent. What enters a service is no child: a call lasts until it is answered.
   */
  readonly selfMs: number;
  readonly totalMs: number;
  readonly p95: number;
  /** How often a trace that has it has it, on average, or what one process has of a trace. */
  readonly perTrace: number;
}

/** Operations, the highest first. */
export interface OperationListAnswer extends CoverageAnswer {
  readonly operations: readonly OperationAnswer[];
  /** How many operations match in all. */
  readonly total: number;
}
