import type { CoverageAnswer } from '../../reader/answers/answer-parts.interface.js';
import { formatTime, plural } from '../format.js';

/** Says of which traces sums are where they are not of all. */
export function Coverage({ of }: { readonly of: CoverageAnswer | undefined }) {
  if (of?.complete !== false) return null;
  return (
    <p class="hint pad" role="note">
      Of the newest {plural(of.traces, 'trace')}, since {formatTime(of.since, false)}: of single processes
      there are no sums of a longer time.
    </p>
  );
}
