import type { ExemplarAnswer } from '../../../reader/answers/answer-parts.interface.js';
import { exemplarAddress } from '../../../ui/charts/exemplar-dots.js';
import { formatDuration, formatTime } from '../../../ui/format.js';
import type { RouteSampleAnswer } from '../route-api.interface.js';

interface SampleListProps {
  readonly title: string;
  readonly of: readonly ExemplarAnswer[];
  /** What stands there instead of none. */
  readonly none: string;
}

function SampleList({ title, of, none }: SampleListProps) {
  return (
    <div>
      <h3>{title}</h3>
      {of.length === 0 && <p class="hint">{none}</p>}
      <ul>
        {of.map((exemplar) => (
          <li key={exemplar.spanId} class={exemplar.error ? 'failed' : ''}>
            <a href={exemplarAddress(exemplar)}>
              {formatDuration(exemplar.value)} at {formatTime(exemplar.time, false)}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Some requests of a route, each leads to its trace. */
export function SampleTraces({ sample }: { readonly sample: RouteSampleAnswer }) {
  return (
    <div class="samples pad">
      <SampleList title="Slowest" of={sample.slowest} none="None" />
      <SampleList title="Typical" of={sample.typical} none="None" />
      <SampleList title="Failed" of={sample.failed} none="None of this route in this time range" />
    </div>
  );
}
