import { useMemo, useState } from 'preact/hooks';

import { formatDuration } from '../../../ui/format.js';
import { useStable } from '../../../ui/parts/compat.js';
import { VirtualList } from '../../../ui/parts/virtual-list.js';
import type { AnalysedTrace } from '../query.js';
import { type TraceNode, type TraceTree, visibleRows } from './trace-tree.js';
import { type Extent, WaterfallRow } from './waterfall-row.js';

const ROW_HEIGHT = 26;

function extentOf(tree: TraceTree, spanId: string | undefined): Extent {
  const node = tree.bySpanId.get(spanId ?? '');
  if (!node) return { start: tree.start, offset: 0, durationMs: tree.durationMs };
  // Some room on both sides shows what was before and after.
  const durationMs = Math.max(node.end - node.start, 0.001) * 1.2;
  const start = node.start - durationMs / 12;
  return { start, offset: start - tree.start, durationMs };
}

function Ruler({ extent }: { readonly extent: Extent }) {
  const marks = [0, 0.25, 0.5, 1];
  return (
    <div class="waterfall-ruler" aria-hidden="true">
      <span class="waterfall-name">Span</span>
      <span class="waterfall-track">
        {marks.map((mark) => (
          <i key={mark} style={{ left: `${mark * 100}%` }} class={mark === 1 ? 'last' : ''}>
            {formatDuration(extent.offset + mark * extent.durationMs)}
          </i>
        ))}
      </span>
      <span class="waterfall-self">Self</span>
      <span class="waterfall-duration">Duration</span>
    </div>
  );
}

interface WaterfallProps {
  readonly trace: AnalysedTrace;
  readonly tree: TraceTree;
  readonly selected: string | undefined;
  readonly onSelect: (spanId: string) => void;
}

/** How often the query of a span was sent, by the id of the span. */
function repeatsOf({ analysis }: AnalysedTrace): ReadonlyMap<string, number> {
  return new Map(
    analysis.repeated.flatMap(({ spanIds, count }) => spanIds.map((id) => [id, count] as const)),
  );
}

/** Every span over time, below its parent. Arrow keys move, left and right close and open, Enter goes to the span's panel, z zooms. */
export function Waterfall({ trace, tree, selected, onSelect }: WaterfallProps) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => visibleRows(tree, collapsed), [tree, collapsed]);
  const critical = useMemo(() => new Set(trace.analysis.criticalPath), [trace]);
  const repeated = useMemo(() => repeatsOf(trace), [trace]);
  const [zoomed, setZoomed] = useState<string>();
  const extent = useMemo(() => extentOf(tree, zoomed), [tree, zoomed]);
  const active = rows.findIndex(({ span }) => span.spanId === selected);

  const toggle = (node: TraceNode, close = !collapsed.has(node.span.spanId)): void => {
    const next = new Set(collapsed);
    if (close) next.add(node.span.spanId);
    else next.delete(node.span.spanId);
    setCollapsed(next);
  };
  const select = (node: TraceNode | undefined): void => {
    if (node) onSelect(node.span.spanId);
  };
  const onRowSelect = useStable(select);
  const onRowToggle = useStable((node: TraceNode) => {
    toggle(node);
  });
  const onKey = ({ key }: KeyboardEvent, node: TraceNode): boolean => {
    const closed = collapsed.has(node.span.spanId);
    if (key === 'ArrowLeft') {
      if (!closed && node.children.length > 0) toggle(node, true);
      else select(node.parent);
    } else if (key === 'ArrowRight') {
      if (closed) toggle(node, false);
      else select(node.children[0]);
    } else if (key === 'z') zoom();
    else return false;
    return true;
  };
  const zoom = (): void => {
    setZoomed(zoomed === undefined ? selected : undefined);
  };
  const collapseAll = (): void => {
    const nodes = [...tree.bySpanId.values()].filter(
      ({ children, depth }) => children.length > 0 && depth > 0,
    );
    setCollapsed(collapsed.size > 0 ? new Set() : new Set(nodes.map(({ span }) => span.spanId)));
  };

  return (
    <section class="waterfall" aria-label="Waterfall" style={{ '--rows': rows.length }}>
      <div class="waterfall-tools">
        <button type="button" onClick={collapseAll}>
          {collapsed.size > 0 ? 'Open all' : 'Collapse all'}
        </button>
        <button type="button" onClick={zoom} disabled={zoomed === undefined && active < 0} title="Key: z">
          {zoomed === undefined ? 'Zoom to span' : 'Whole trace'}
        </button>
        <span class="key key-self">self time</span>
        <span class="key key-critical">critical path</span>
        <span class="key key-log">log</span>
        <span class="key key-error">error</span>
        {repeated.size > 0 && <span class="key key-repeated">repeated query</span>}
      </div>
      <Ruler extent={extent} />
      <VirtualList
        id="waterfall"
        class="waterfall-rows"
        role="treegrid"
        label="Spans of the trace"
        items={rows}
        rowHeight={ROW_HEIGHT}
        active={active}
        onActive={select}
        onOpen={() => document.getElementById('span-panel')?.focus()}
        onKey={onKey}
      >
        {(node, index) => (
          <WaterfallRow
            key={node.span.spanId}
            index={index}
            node={node}
            extent={extent}
            selfMs={trace.analysis.selfTimeMs[node.span.spanId]}
            isActive={index === active}
            isClosed={collapsed.has(node.span.spanId)}
            isCritical={critical.has(node.span.spanId)}
            repeats={repeated.get(node.span.spanId)}
            onSelect={onRowSelect}
            onToggle={onRowToggle}
          />
        )}
      </VirtualList>
    </section>
  );
}
