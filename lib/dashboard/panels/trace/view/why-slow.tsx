import { Fragment } from 'preact';

import { formatDuration } from '../../../ui/format.js';
import type { SlowestSpan } from '../analysis/analyse-trace.js';
import type { AnalysedTrace } from '../query.js';
import { KIND_WORDS } from './kind-words.js';

/** Share of the widest bar; what is less is not why it was slow. */
const WORTH_A_COLOUR = 0.05;

const percent = (ms: number, of: number): string => `${Math.min((ms / of) * 100, 100)}%`;

function difference(ms: number, median: number): string {
  if (median === 0) return ms === 0 ? 'as ever' : 'never before';
  const times = ms / median;
  if (times >= 1.2) return `${times >= 10 ? times.toFixed(0) : times.toFixed(1)}× the median`;
  return times <= 0.8 ? 'less than the median' : 'about the median';
}

/** The span on which most of the time of a kind went. */
function Slowest({ of, onSpan }: { readonly of: SlowestSpan; readonly onSpan: (spanId: string) => void }) {
  const { spanId, name, host, ms } = of;
  return (
    <button
      type="button"
      class="link"
      onClick={() => {
        onSpan(spanId);
      }}
    >
      {name}
      {host !== undefined && ` · ${host}`} · {formatDuration(ms)}
    </button>
  );
}

function ByKind({ trace, onSpan }: WhySlowProps) {
  const { byKind } = trace.analysis;
  const sorted = [...byKind].sort((a, b) => b.ms - (b.medianMs ?? 0) - (a.ms - (a.medianMs ?? 0)));
  const widest = Math.max(0.001, ...byKind.map(({ ms, medianMs }) => Math.max(ms, medianMs ?? 0)));
  const compared = byKind.some(({ medianMs }) => medianMs !== undefined);
  return (
    <>
      <p class="hint">
        {compared
          ? 'Self time by kind, beside the median of the latest traces of this route (the line).'
          : 'Self time by kind. There are too few traces of this route to compare with.'}
      </p>
      <table class="kinds">
        <tbody>
          {sorted.map(({ kind, ms, medianMs, slowest }) => {
            const worse =
              medianMs !== undefined && ms > medianMs * 1.2 && ms - medianMs > widest * WORTH_A_COLOUR;
            const className = worse ? 'worse' : '';
            return (
              <Fragment key={kind}>
                <tr class={className}>
                  <th scope="row">{KIND_WORDS[kind]}</th>
                  <td class="kind-bar">
                    <span class="kind-now" style={{ width: percent(ms, widest) }} />
                    {medianMs !== undefined && (
                      <i class="kind-median" style={{ left: percent(medianMs, widest) }} />
                    )}
                  </td>
                  <td class="number">{formatDuration(ms)}</td>
                </tr>
                <tr class={`kind-words ${className}`}>
                  <td colSpan={3} class="hint">
                    {medianMs !== undefined && (
                      <>
                        <span>
                          {difference(ms, medianMs)} ({formatDuration(medianMs)})
                        </span>
                        {slowest !== undefined && ' · '}
                      </>
                    )}
                    {slowest !== undefined && (
                      <>
                        most in <Slowest of={slowest} onSpan={onSpan} />
                      </>
                    )}
                  </td>
                </tr>
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

interface WhySlowProps {
  readonly trace: AnalysedTrace;
  readonly onSpan: (spanId: string) => void;
}

/** The time of this trace by kind, beside the median of its route, and repeated queries. */
export function WhySlow({ trace, onSpan }: WhySlowProps) {
  const { repeated } = trace.analysis;
  return (
    <div class="why">
      <h2>Where the time went</h2>
      <ByKind trace={trace} onSpan={onSpan} />
      {repeated.length > 0 && <h2>Repeated queries</h2>}
      {repeated.map(({ statement, count, totalMs, spanIds, issuedBy, through }) => (
        <div key={`${statement}${spanIds[0] ?? ''}`} class="repeated">
          <p>
            <b class="mark mark-repeated">×{count}</b> {formatDuration(totalMs)} in all
            {issuedBy !== undefined && (
              <>
                , from <b class="code">{issuedBy}</b>
              </>
            )}
            {through !== undefined && (
              <>
                {' '}
                through <b class="code">{through}</b>
              </>
            )}
            . A loop that could be one query (N+1).
          </p>
          <pre>{statement}</pre>
          <button
            type="button"
            class="link"
            onClick={() => {
              if (spanIds[0] !== undefined) onSpan(spanIds[0]);
            }}
          >
            Show the first
          </button>
        </div>
      ))}
    </div>
  );
}
