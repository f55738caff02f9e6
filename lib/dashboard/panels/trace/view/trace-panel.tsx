import { clientOf } from '../../../ui/client.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { addressWith, type Place, setQuery } from '../../../ui/state.js';
import type { HealthApi } from '../../health/query.js';
import type { AnalysedTrace } from '../query.js';
import { LogLines } from './log-lines.js';
import { SpanPanel } from './span-panel.js';
import type { TraceNode, TraceTree } from './trace-tree.js';
import { WhySlow } from './why-slow.js';

const healthApi = clientOf<HealthApi>();

/** What stands beside the waterfall, in tabs. */
export function TracePanel({
  trace,
  tree,
  node,
  place,
  onSelect,
}: {
  readonly trace: AnalysedTrace;
  readonly tree: TraceTree;
  readonly node: TraceNode | undefined;
  readonly place: Place;
  readonly onSelect: (spanId: string) => void;
}) {
  const tab = place.query.get('tab') ?? 'span';
  // How links to the editor look is a matter of the application; before it has said so there are none.
  const health = useLoad('editor', (signal) => healthApi.get('health', {}, signal));
  const tabs: readonly (readonly [string, string])[] = [
    ['span', 'Span'],
    ['logs', `Logs of trace (${trace.logs.length})`],
    ['why', trace.analysis.repeated.length > 0 ? 'Why slow ×N' : 'Why slow'],
  ];
  return (
    <aside class="panel" id="span-panel" tabIndex={-1} aria-label="Details">
      <div class="tabs">
        {tabs.map(([name, label]) => (
          <a
            key={name}
            href={addressWith({
              tab: name === 'span' ? undefined : name,
              ...(place.query.get('span') === 'none' ? { span: undefined } : {}),
            })}
            aria-current={tab === name ? 'true' : undefined}
          >
            {label}
          </a>
        ))}
        <button
          type="button"
          class="close"
          aria-label="Close details"
          onClick={() => {
            setQuery({ span: 'none', tab: undefined });
          }}
        >
          ×
        </button>
      </div>
      <div class="panel-body">
        {tab === 'why' && <WhySlow trace={trace} onSpan={onSelect} />}
        {tab === 'logs' && <LogLines logs={trace.logs} label="Logs of this trace" onSpan={onSelect} />}
        {tab === 'span' && node && (
          <SpanPanel
            key={node.span.spanId}
            node={node}
            tree={tree}
            selfMs={trace.analysis.selfTimeMs[node.span.spanId]}
            editor={health.data ? health.data.editor : null}
          />
        )}
      </div>
    </aside>
  );
}
