import { type Finding } from '../doctor/finding.js';
import { warnOnce } from '../errors/warnings.js';
import { type SdkRuntime } from '../runtime/sdk-runtime.js';

/** By then the exporters have sent what was logged at the start, and receivers that answered need no probe. */
const AFTER_MS = 3_000;

/**
 * Looks, some seconds after the start, for what keeps telemetry from arriving, and logs at most one warning. Returns what cancels that.
 *
 * @param onEnd called when it has looked
 */
export function checkStart(runtime: SdkRuntime, afterMs = AFTER_MS, onEnd?: () => void): () => void {
  const stopped = new AbortController();
  const check = async (): Promise<void> => {
    // On demand: the start does not wait for it.
    const { examineStart } = await import('../doctor/examine-process.js');
    const findings = await examineStart(runtime, stopped.signal);
    if (findings.length > 0 && !stopped.signal.aborted) warnOnce('start-check', describe(findings));
  };
  const timer = setTimeout(() => {
    check()
      .catch(() => {
        // A check that fails is not worth a warning: doctor makes the same ones.
      })
      .finally(() => onEnd?.());
  }, afterMs).unref();
  return () => {
    stopped.abort();
    clearTimeout(timer);
  };
}

function describe(findings: readonly Finding[]): string {
  const lines = group(findings).map(
    ({ checks, finding, evidence, remedy }) =>
      `- ${checks.join(', ')}: ${[finding, evidence && `Seen: ${evidence}.`, remedy].filter(Boolean).join(' ')}`,
  );
  return [
    'Telemetry of this application is not complete:',
    ...lines,
    'Run `npx nestjs-telemetry doctor` for more; startCheck: false switches this check off.',
  ].join('\n');
}

/** Findings that differ by their checks alone. */
interface Group extends Omit<Finding, 'check'> {
  readonly checks: string[];
}

/** One receiver that is down has a finding for each signal. */
function group(findings: readonly Finding[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { check, ...result } of findings) {
    const key = JSON.stringify(result);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ...result, checks: [check] });
    else known.checks.push(check);
  }
  return [...groups.values()];
}
