import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';

import { formatCount, formatDuration, formatShare, plural } from '../../../ui/format.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import type { AnalysedTrace } from '../query.js';
import { type Frame, frameBeside, mergeFrames, placeFrames, rankFrames } from './flame-frames.js';
import type { TraceTree } from './trace-tree.js';

const ROW_HEIGHT = 22;
/** About a pixel: what is narrower cannot be seen. */
const LEAST_SHARE = 1 / 1_000;
const MOST_ROWS = 200;

const describe = ({ name, service, count, failed, totalMs, selfMs }: Frame): string =>
  [
    `${name}, ${service}`,
    `${formatDuration(totalMs)} with what is below, ${formatDuration(selfMs)} in itself`,
    plural(count, 'span'),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
  ].join(' · ');

interface FlameGraphProps {
  readonly trace: AnalysedTrace;
  readonly tree: TraceTree;
  readonly selected: string | undefined;
  readonly onSelect: (spanId: string) => void;
  /** What switches to another view of the trace. */
  readonly children: ComponentChildren;
}

function FrameTable({ roots, onFrame }: { roots: readonly Frame[]; onFrame: (frame: Frame) => void }) {
  const ranked = useMemo(() => rankFrames(roots), [roots]);
  const all = Math.max(
    ranked.reduce((sum, { selfMs }) => sum + selfMs, 0),
    0.000_001,
  );
  const columns: readonly Column<Frame>[] = [
    {
      name: 'Span',
      cell: (frame) => (
        <button
          type="button"
          class="link"
          onClick={() => {
            onFrame(frame);
          }}
        >
          {frame.name}
        </button>
      ),
      title: ({ name }) => name,
    },
    { name: 'Service', cell: ({ service }) => service, sortBy: ({ service }) => service },
    { name: 'Spans', cell: ({ count }) => formatCount(count), sortBy: ({ count }) => count, number: true },
    {
      name: 'Self',
      cell: ({ selfMs }) => formatDuration(selfMs),
      sortBy: ({ selfMs }) => selfMs,
      number: true,
    },
    {
      name: 'Share',
      cell: ({ selfMs }) => formatShare(selfMs / all),
      sortBy: ({ selfMs }) => selfMs,
      number: true,
    },
    {
      name: 'With below',
      cell: ({ totalMs }) => formatDuration(totalMs),
      sortBy: ({ totalMs }) => totalMs,
      number: true,
    },
  ];
  return (
    <>
      <Table columns={columns} rows={ranked.slice(0, MOST_ROWS)} keyOf={({ id }) => id} sortedBy="Self" />
      {ranked.length > MOST_ROWS && (
        <p class="hint">
          The {MOST_ROWS} with most self time of {formatCount(ranked.length)}.
        </p>
      )}
    </>
  );
}

/**
 * Where the time of a trace went: spans of one name and path are one frame, as wide as their self time and that of all below. Arrow keys
 * move, Enter shows a frame over the whole width, z all of them again.
 */
export function FlameGraph({ trace, tree, selected, onSelect, children }: FlameGraphProps) {
  const { selfTimeMs } = trace.analysis;
  const roots = useMemo(() => mergeFrames(tree, selfTimeMs), [tree, selfTimeMs]);
  const [asTable, setAsTable] = useState(false);
  const [activeId, setActiveId] = useState<string>();
  const [zoomedId, setZoomedId] = useState<string>();
  const byId = useMemo(() => new Map(rankFrames(roots).map((frame) => [frame.id, frame])), [roots]);
  const zoomed = byId.get(zoomedId ?? '');
  const placed = useMemo(() => placeFrames(zoomed ? [zoomed] : roots, LEAST_SHARE), [roots, zoomed]);
  const ofSelected = useMemo(
    () => placed.find(({ frame }) => frame.slowest.span.spanId === selected),
    [placed, selected],
  );
  const active = placed.find(({ frame }) => frame.id === activeId) ?? ofSelected ?? placed[0];
  const top = zoomed?.depth ?? 0;
  const rows = placed.reduce((most, { frame }) => Math.max(most, frame.depth - top + 1), 1);

  const goTo = (frame: Frame): void => {
    setActiveId(frame.id);
    onSelect(frame.slowest.span.spanId);
    document.getElementById(frame.id)?.scrollIntoView({ block: 'nearest' });
  };
  const onKey = (event: KeyboardEvent): void => {
    if (!active || event.ctrlKey || event.metaKey || event.altKey) return;
    const { frame } = active;
    const beside = frameBeside(frame, event.key, zoomed ? [zoomed] : roots);
    if (beside && placed.some((each) => each.frame === beside)) goTo(beside);
    else if (event.key === 'Enter') setZoomedId(frame.id);
    else if (event.key === 'z') setZoomedId(zoomed ? undefined : frame.id);
    else if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
  };
  return (
    <section class="waterfall flame" aria-label="Flame graph" style={{ '--rows': rows }}>
      <div class="waterfall-tools">
        {children}
        <button
          type="button"
          aria-pressed={asTable}
          onClick={() => {
            setAsTable(!asTable);
          }}
        >
          Table
        </button>
        {!asTable && (
          <button
            type="button"
            disabled={!active}
            title="Key: z"
            onClick={() => {
              setZoomedId(zoomed ? undefined : active?.frame.id);
            }}
          >
            {zoomed ? 'Whole trace' : 'Zoom to frame'}
          </button>
        )}
        <span class="hint">
          Spans of one name and path are one frame, as wide as their self time and that of all below.
        </span>
      </div>
      {asTable ? (
        <div class="flame-table scroll-x">
          <FrameTable roots={roots} onFrame={goTo} />
        </div>
      ) : (
        <div
          class="flame-frames virtual"
          role="tree"
          aria-label="Frames of the trace"
          aria-activedescendant={active?.frame.id}
          tabIndex={0}
          onKeyDown={onKey}
        >
          <div class="flame-all" style={{ height: `${rows * ROW_HEIGHT}px` }} role="presentation">
            {placed.map(({ frame, left, width }) => (
              <div
                key={frame.id}
                id={frame.id}
                role="treeitem"
                aria-level={frame.depth + 1}
                aria-selected={frame === active?.frame}
                aria-label={describe(frame)}
                title={describe(frame)}
                class={`flame-frame ${serviceClass(frame.service)}${frame === active?.frame ? ' active' : ''}${frame.failed > 0 ? ' failed' : ''}`}
                style={{
                  left: `${left * 100}%`,
                  width: `${width * 100}%`,
                  top: `${(frame.depth - top) * ROW_HEIGHT}px`,
                }}
                onClick={() => {
                  goTo(frame);
                }}
                onDblClick={() => {
                  setZoomedId(frame.id);
                }}
              >
                {width > 0.02 && `${frame.name}${frame.count > 1 ? ` ×${formatCount(frame.count)}` : ''}`}
              </div>
            ))}
          </div>
        </div>
      )}
    </section>
  );
}
