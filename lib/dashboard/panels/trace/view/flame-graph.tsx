import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';

import { formatCount, formatDuration, formatShare, plural } from '../../../ui/format.js';
import { rankFrames } from '../../../ui/parts/flame-layout.js';
import { FlameTree, useFlame } from '../../../ui/parts/flame-tree.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import type { AnalysedTrace } from '../query.js';
import { type Frame, mergeFrames } from './flame-frames.js';
import type { TraceTree } from './trace-tree.js';

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
  const flame = useFlame(roots, {
    isChosen: ({ slowest }) => slowest.span.spanId === selected,
    onGoTo: ({ slowest }) => {
      onSelect(slowest.span.spanId);
    },
  });
  return (
    <section class="waterfall flame" aria-label="Flame graph" style={{ '--rows': flame.rows }}>
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
          <button type="button" disabled={!flame.active} title="Key: z" onClick={flame.toggleZoom}>
            {flame.zoomed ? 'Whole trace' : 'Zoom to frame'}
          </button>
        )}
        <span class="hint">
          Spans of one name and path are one frame, as wide as their self time and that of all below.
        </span>
      </div>
      {asTable ? (
        <div class="flame-table scroll-x">
          <FrameTable roots={roots} onFrame={flame.goTo} />
        </div>
      ) : (
        <FlameTree
          flame={flame}
          label="Frames of the trace"
          describe={describe}
          textOf={({ name, count }) => `${name}${count > 1 ? ` ×${formatCount(count)}` : ''}`}
          classOf={({ service, failed }) => `${serviceClass(service)}${failed > 0 ? ' failed' : ''}`}
        />
      )}
    </section>
  );
}
