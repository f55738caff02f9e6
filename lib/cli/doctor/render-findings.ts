import { type Finding, type Verdict } from '../../doctor/finding.js';

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
