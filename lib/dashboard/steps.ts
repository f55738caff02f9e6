/** A question in steps. Other work may run at each `yield`, and rows may change: no statement or transaction is open then. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** How long one step blocks the event loop, in milliseconds. */
const SLICE_MS = 6;
/** After so long in all its steps, a question that looks at many rows returns a shorter page and where to continue. */
const LOOKING_MS = 150;

/** Tracks when a step must end, so that other work can run. */
export class TimeSlice {
  private until = performance.now() + SLICE_MS;
  private looks = 0;
  private turns = 1;

  /** Whether to end this step. Call it for each row. */
  isOver(): boolean {
    // The clock costs more than most rows.
    return (this.looks++ & 15) === 15 && this.isOverNow();
  }

  /** The same. Call it after a group of rows. */
  isOverNow(): boolean {
    return performance.now() >= this.until;
  }

  /** Whether all steps together took as long as they may. */
  get isLong(): boolean {
    return this.turns * SLICE_MS >= LOOKING_MS;
  }

  *pass(): Steps<void> {
    yield;
    this.turns += 1;
    this.until = performance.now() + SLICE_MS;
  }
}

/** How long one call of the database should take, in milliseconds, so that several fit in a step. */
const PORTION_MS = 2;

/**
 * How many rows to ask for in one call of the database. The number halves after a slow call and doubles after a fast one: how long a call
 * takes depends on the rows that are read, not only on those that are returned.
 */
export class Portion {
  private startedAt = 0;

  constructor(
    private size: number,
    private readonly max: number,
  ) {}

  /** How much to ask for now. */
  begin(): number {
    this.startedAt = performance.now();
    return this.size;
  }

  /** Call it when that is done. */
  end(): void {
    const took = performance.now() - this.startedAt;
    if (took > PORTION_MS) this.size = Math.max(1, Math.floor(this.size / 2));
    else if (took < PORTION_MS / 2) this.size = Math.min(this.max, this.size * 2);
  }
}

/** Runs all steps without a break. */
export function takeAllSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

export function isSteps<T>(answer: T | Steps<T>): answer is Steps<T> {
  return Object.prototype.toString.call(answer) === '[object Generator]';
}
