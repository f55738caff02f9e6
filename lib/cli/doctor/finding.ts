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

/** How many findings there are of each verdict. */
export function countVerdicts(findings: readonly Finding[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { ok: 0, warning: 0, fault: 0, skipped: 0 };
  for (const { verdict } of findings) counts[verdict] += 1;
  return counts;
}

const ORDER: readonly Verdict[] = ['fault', 'warning', 'ok', 'skipped'];

/** Text for a terminal, faults first, with a summary as the last line. */
export function renderFindings(findings: readonly Finding[]): string {
  const sorted = ORDER.flatMap((verdict) => findings.filter((each) => each.verdict === verdict));
  const { ok: passed, warning: warnings, fault: faults, skipped: left } = countVerdicts(findings);
  const summary = `${passed} ok, ${plural(warnings, 'warning')}, ${plural(faults, 'fault')}, ${left} not checked`;
  return [...sorted.map(render), summary, ''].join('\n');
}

function render({ check, verdict, finding, evidence, remedy }: Finding): string {
  const lines = [`${verdict.padEnd(8)} ${check}: ${finding}`];
  if (evidence !== undefined) lines.push(`         seen:   ${indent(evidence)}`);
  if (remedy !== undefined) lines.push(`         remedy: ${indent(remedy)}`);
  return lines.join('\n');
}

function indent(text: string): string {
  return text.replaceAll('\n', `\n${' '.repeat(17)}`);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
