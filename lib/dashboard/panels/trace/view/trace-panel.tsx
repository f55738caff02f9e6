import { SidePanel } from '../../../ui/parts/side-panel.js';
import { useEditor } from '../../../ui/parts/use-editor.js';
import { addressWith, type Place, setQuery } from '../../../ui/state.js';
import type { AnalysedTrace } from '../query.js';
import { LogLines } from './log-lines.js';
import { SpanPanel } from './span-panel.js';
import type { TraceNode, TraceTree } from './trace-tree.js';
import { WhySlow } from './why-slow.js';

interface TracePanelProps {
  readonly trace: AnalysedTrace;
  readonly tree: TraceTree;
  readonly node: TraceNode | undefined;
  readonly place: Place;
  readonly onSelect: (spanId: string) => void;
}

/** The panel beside the waterfall, in tabs. */
export function TracePanel({ trace, tree, node, place, onSelect }: TracePanelProps) {
  const tab = place.query.get('tab') ?? 'span';
  const editor = useEditor();
  const most = Math.max(0, ...trace.analysis.repeated.map(({ count }) => count));
  const tabs: readonly (readonly [string, string])[] = [
    ['span', 'Span'],
    ['logs', `Logs of trace (${trace.logs.length})`],
    ['why', most === 0 ? 'Why slow' : `Why slow · ${most} repeated queries`],
  ];
  const links = tabs.map(([name, label]) => (
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
  ));
  const close = (): void => {
    setQuery({ span: 'none', tab: undefined });
  };
  return (
    <SidePanel id="span-panel" label="Details" head={links} closes="Close details" onClose={close}>
      {tab === 'why' && <WhySlow trace={trace} onSpan={onSelect} />}
      {tab === 'logs' && <LogLines logs={trace.logs} label="Logs of this trace" onSpan={onSelect} />}
      {tab === 'span' && node && (
        <SpanPanel
          key={node.span.spanId}
          node={node}
          tree={tree}
          selfMs={trace.analysis.selfTimeMs[node.span.spanId]}
          editor={editor}
        />
      )}
    </SidePanel>
  );
}
