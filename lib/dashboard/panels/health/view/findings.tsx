import type { Finding } from '../../../../doctor/finding.js';

/** What keeps telemetry from arriving, with what was seen and what to do. */
export function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  if (findings.length === 0) return <p class="hint pad">Nothing is wrong.</p>;
  return (
    <ul class="warnings">
      {findings.map(({ check, finding, evidence, remedy }) => (
        <li key={check + finding + (evidence ?? '')}>
          <div>
            <b>{check}</b>: {finding}
            <pre class="message">{evidence}</pre>
            {remedy}
          </div>
        </li>
      ))}
    </ul>
  );
}
