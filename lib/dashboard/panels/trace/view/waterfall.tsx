import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';

import { formatDuration, plural } from '../../../ui/format.js';
import { useStable } from '../../../ui/parts/compat.js';
import { VirtualList } from '../../../ui/parts/virtual-list.js';
import type { AnalysedTrace } from '../query.js';
import { Minimap } from './minimap.js';
import { roundTicks } from './ticks.js';
import { findSpans, type TraceNode, type TraceTree, visibleRows } from './trace-tree.js';
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
  return (
    <div class="waterfall-ruler" aria-hidden="true">
      <span class="waterfall-name">Span</span>
      <span class="waterfall-track">
        {roundTicks(extent.offset, extent.durationMs).map((tick) => {
          const share = (tick - extent.offset) / extent.durationMs;
          return (
            <i key={tick} style={{ left: `${share * 100}%` }}>
              {/* Further right its text would be cut off. */}
              {share < 0.9 && formatDuration(tick)}
            </i>
          );
        })}
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
  /** What switches to another view of the trace. */
  readonly children: ComponentChildren;
}

/** How often the query of a span was sent, by the id of the span. */
function repeatsOf({ analysis }: AnalysedTrace): ReadonlyMap<string, number> {
  return new Map(
    analysis.repeated.flatMap(({ spanIds, count }) => spanIds.map((id) => [id, count] as const)),
  );
}

/** Every span over time, below its parent. Arrow keys move, left and right close and open, Enter goes to the span's panel, z zooms. */
export function Waterfall({ trace, tree, selected, onSelect, children }: WaterfallProps) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => visibleRows(tree, collapsed), [tree, collapsed]);
  const critical = useMemo(() => new Set(trace.analysis.criticalPath), [trace]);
  const repeated = useMemo(() => repeatsOf(trace), [trace]);
  const [zoomed, setZoomed] = useState<string | Extent>();
  const extent = useMemo(
    () => (typeof zoomed === 'object' ? zoomed : extentOf(tree, zoomed)),
    [tree, zoomed],
  );
  const [text, setText] = useState('');
  const found = useMemo(() => findSpans(tree, text), [tree, text]);
  const foundIds = useMemo(() => new Set(found.map(({ span }) => span.spanId)), [found]);
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
        {children}
        <button type="button" onClick={collapseAll}>
          {collapsed.size > 0 ? 'Open all' : 'Collapse all'}
        </button>
        <button type="button" onClick={zoom} disabled={zoomed === undefined && active < 0} title="Key: z">
          {zoomed === undefined ? 'Zoom to span' : 'Whole trace'}
        </button>
        <input
          type="search"
          class="field waterfall-find"
          aria-label="Find spans by name, service or attribute, then Enter for the next"
          placeholder="Find spans  ( / )"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            // What is found must be in sight.
            setCollapsed(new Set());
            const at = found.findIndex(({ span }) => span.spanId === selected);
            select(found[(at + (event.shiftKey ? found.length - 1 : 1)) % Math.max(found.length, 1)]);
          }}
        />
        {text !== '' && (
          <span class="hint" role="status">
            {plural(found.length, 'span')}
          </span>
        )}
        <span class="key key-self">self time</span>
        <span class="key key-critical">critical path</span>
        <span class="key key-log">log</span>
        <span class="key key-error">error</span>
        {repeated.size > 0 && <span class="key key-repeated">repeated query</span>}
      </div>
      <Minimap tree={tree} extent={extent} onExtent={setZoomed} />
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
            isFound={foundIds.has(node.span.spanId)}
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
