/** Addresses of the panel, and their answers. */
export interface ControlApi {
  readonly 'GET control': ControlAnswer;
  readonly 'POST control/changes': ChangeAnswer;
  readonly 'POST control/cancel': CancelAnswer;
}

/** A change that ends by itself: the public `TemporaryChange`. */
export interface ChangeAnswer {
  readonly id: string;
  readonly kind: 'log-level' | 'sampling-ratio' | 'provider-spans';
  /** The `context` of the log lines, or the class of the provider; undefined for all of them. */
  readonly target?: string | undefined;
  readonly value?: string | number | undefined;
  /** The address that made it. */
  readonly by: string;
  readonly startedAt: number;
  readonly endsAt: number;
}

/** What can be changed in the process that serves the page, and what is changed now. */
export interface ControlAnswer {
  readonly pid: number;
  /** Why nothing can be changed from the page; undefined where it can. */
  readonly refused?: string | undefined;
  /** The active changes; the first to end comes first. */
  readonly changes: readonly ChangeAnswer[];
  /** Values of `log-level`. */
  readonly levels: readonly string[];
  /** The ratio of traces that begin in this process; undefined where it cannot be changed. */
  readonly samplingRatio?: number | undefined;
  /** Classes of providers, at most 500. */
  readonly providers: readonly string[];
  readonly minutes: { readonly default: number; readonly max: number };
}

export interface CancelAnswer {
  readonly cancelled: string;
}
