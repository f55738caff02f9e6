/** How long a row waits at most when there is time. */
const DELAY_MS = 200;
/** At this many waiting rows the delay is cut short. */
const HURRY_AT = 4_000;
/** After which time to try again what could not be written. */
export const RETRY_MS = 25;

/** What a turn of writing leaves. */
export type TurnOutcome =
  | 'idle' // Nothing waits.
  | 'more' // Something waits, and can be written once others have had their turn.
  | 'wait'; // Something waits, and cannot be written now.

/** Decides when rows are written: between requests, soon after they came, and at once when they are many. */
export class WriteSchedule {
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private stopped = false;

  /** @param takeTurn never throws */
  constructor(private readonly takeTurn: () => TurnOutcome) {}

  /** To be told when rows have come, and how many wait now. */
  request(waiting: number): void {
    if (this.immediate !== undefined) return;
    if (waiting >= HURRY_AT) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.immediate = setImmediate(this.run);
      return;
    }
    this.timer ??= setTimeout(this.run, DELAY_MS).unref();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
  }

  private readonly run = (): void => {
    this.timer = undefined;
    this.immediate = undefined;
    if (this.stopped) return;
    const outcome = this.takeTurn();
    // Others who write to the file are done in milliseconds; not all who wait should come back at once.
    if (outcome === 'wait') this.timer = setTimeout(this.run, RETRY_MS * (0.5 + Math.random())).unref();
    else if (outcome === 'more') this.immediate = setImmediate(this.run);
  };
}
