/** Profiles of one hour. */
export const PROFILES_PER_HOUR = 12;
const HOUR_MS = 3_600_000;

/** Limits the CPU profiles per process and hour. Requests from the process's own page and from other processes count. */
export class ProfileBudget {
  private starts: number[] = [];

  /** How many more may be taken in this hour. */
  left(now = Date.now()): number {
    this.starts = this.starts.filter((time) => now - time < HOUR_MS);
    return PROFILES_PER_HOUR - this.starts.length;
  }

  /** Notes one. */
  spend(now: number): void {
    this.starts.push(now);
  }

  /** Seconds until there is one again. */
  get waitSeconds(): number {
    return Math.max(1, Math.ceil(((this.starts[0] ?? 0) + HOUR_MS - Date.now()) / 1_000));
  }
}
