import { type CoverageAnswer } from './answer-parts.interface.js';

/**
 * How an error of a range compares with the time before. `new`: first seen in the range, or not before the version that the service runs now.
 * `back`: seen again in the range, but not in the time before that is as long (an hour at least). `gone`: not seen in the range.
 * `known`: any other.
 */
export type ErrorState = 'new' | 'known' | 'gone' | 'back';

/** Users of one error that are counted. */
export const MAX_COUNTED_USERS = 500;

/** Exceptions of one service with one fingerprint, and other failures of one kind. */
export interface ErrorAnswer {
  readonly service: string;
  /** `exception.fingerprint`; with the service it names the error. */
  readonly fingerprint: string;
  /** Class of the exception; `error.type` of a span that failed without one, the class that logged of a line without one. */
  readonly type: string;
  /** Of a recent one, at most 1,000 characters. */
  readonly message: string;
  readonly state: ErrorState;
  /**
   * In the range, to whole slots of the store: how many were seen or, where that is more, how many the failed spans stand for that were
   * recorded.
   */
  readonly count: number;
  /** Since the first. */
  readonly total: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** `service.version` in which it was first and last seen; empty where there was none. */
  readonly firstVersion: string;
  readonly lastVersion: string;
  /** How many in each bucket of the range. */
  readonly counts: readonly number[];
  /** The route that failed with it most often, as `GET /orders/:id`; undefined where none did. */
  readonly route: string | undefined;
  /** Users whose requests failed with it, by `user.hash` or `user.id`, of all that is kept; `MAX_COUNTED_USERS`: so many or more. */
  readonly users: number;
  /** The newest of which the trace is stored; undefined where none is, such as of log lines outside of traces. */
  readonly sample: { readonly traceId: string; readonly spanId: string } | undefined;
}

export interface ErrorListAnswer {
  /** The begin of each bucket of `counts`. */
  readonly times: readonly number[];
  readonly errors: readonly ErrorAnswer[];
  /** How many there are of each state, whatever `state` and `limit` of the filter say. */
  readonly states: Readonly<Record<ErrorState, number>>;
  /**
   * Of which failed traces `count` and `counts` are those of chosen processes, where their spans were counted; what else is said of an error
   * is then that of all. Undefined where there was no need to.
   */
  readonly coverage?: CoverageAnswer | undefined;
}

/** What an error had in common with others: how often and when, of all that is kept. */
export interface ErrorPartAnswer {
  readonly value: string;
  readonly count: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** One error. */
export interface ErrorDetailAnswer extends ErrorAnswer {
  /** The begin of each bucket of `counts`. */
  readonly times: readonly number[];
  /** As in `ErrorListAnswer`: where it is there, only `count`, `counts` and `state` are of chosen processes. */
  readonly coverage?: CoverageAnswer | undefined;
  /** Of a recent one, with the stacks of its causes, at most 16,384 characters. */
  readonly stack: string | undefined;
  /** Versions of the service, the newest first. */
  readonly versions: readonly ErrorPartAnswer[];
  /** Requests, messages and runs that failed with it, as `GET /orders/:id`, the most frequent first. */
  readonly routes: readonly ErrorPartAnswer[];
  /** The users whose requests failed with it last, the last first, at most 100. */
  readonly affectedUsers: readonly ErrorPartAnswer[];
  /** The newest, at most 20. One without a trace is a log line, or its trace is not stored any more. */
  readonly samples: readonly {
    readonly time: number;
    readonly traceId: string | undefined;
    readonly spanId: string | undefined;
  }[];
}
