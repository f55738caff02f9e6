/** How a check ended; `skipped`: it needs an option that was not given, or something that is not there. */
export type Verdict = 'ok' | 'warning' | 'fault' | 'skipped';

/** The result of one check. */
export interface Finding {
  /** What was checked, for example `traces to http://localhost:4318/v1/traces`. */
  readonly check: string;
  readonly verdict: Verdict;
  /** One sentence. */
  readonly finding: string;
  /** What was seen: the value, the answer, the path. */
  readonly evidence?: string;
  /** What to do; present for warnings and faults. */
  readonly remedy?: string;
}

/** A finding without the name of its check, which the caller adds. */
export type Result = Omit<Finding, 'check'>;

export function ok(finding: string): Result {
  return { verdict: 'ok', finding };
}

export function skipped(finding: string): Result {
  return { verdict: 'skipped', finding };
}

export function fault(finding: string, evidence: string, remedy: string): Result {
  return { verdict: 'fault', finding, evidence, remedy };
}

export function warning(finding: string, evidence: string, remedy: string): Result {
  return { verdict: 'warning', finding, evidence, remedy };
}

/** Adds the name of their check. */
export function named(check: string, results: readonly Result[]): Finding[] {
  return results.map((result) => ({ check, ...result }));
}
