/**
 * A question in steps: at each `yield` others may have their turn, and rows may come and go. Nothing that was begun in the database
 * is open then.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** How long one step blocks the event loop, in milliseconds. */
const SLICE_MS = 8;
/** How long a question that has to look at many rows may take in all its steps, before it says how far it came. */
const LOOKING_MS = 200;

/** Tracks when a step must end, so that others have their turn. */
export class TimeSlice {
  private until = performance.now() + SLICE_MS;
  private looks = 0;
  private turns = 1;

  /** Whether to end this step; to be asked for each row. */
  isOver(): boolean {
    // The clock costs more than most rows.
    return (this.looks++ & 15) === 15 && this.isOverNow();
  }

  /** The same; to be asked after some rows. */
  isOverNow(): boolean {
    return performance.now() >= this.until;
  }

  /** Whether it has taken long enough. */
  get isLong(): boolean {
    return this.turns * SLICE_MS >= LOOKING_MS;
  }

  *pass(): Steps<void> {
    yield;
    this.turns += 1;
    this.until = performance.now() + SLICE_MS;
  }
}

/** Goes through all steps without a break. */
export function takeAllSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

export function isSteps<T>(answer: T | Steps<T>): answer is Steps<T> {
  return Object.prototype.toString.call(answer) === '[object Generator]';
}
