import { useMemo, useRef, useState } from 'preact/hooks';

import { getOrAdd } from '../../../get-or-add.js';
import { formatDuration } from '../../../ui/format.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { type MinimapBar, minimapBars, stretchOf } from './minimap-bars.js';
import type { TraceTree } from './trace-tree.js';
import type { Extent } from './waterfall-row.js';

const WIDTH = 1_000;
/** Bars of fewer would be thicker than those of the waterfall. */
const FEWEST_LANES = 4;

/** A path for each service, however many bars there are. */
function pathsOf(bars: readonly MinimapBar[]): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, string[]>();
  for (const { lane, from, to, service, failed } of bars) {
    const [x, width] = [from * WIDTH, Math.max((to - from) * WIDTH, 1.5)];
    const className = failed ? 'minimap-failed' : serviceClass(service);
    const path = `M${x.toFixed(1)} ${lane + 0.15}h${width.toFixed(1)}v.7h-${width.toFixed(1)}z`;
    getOrAdd(paths, className, () => []).push(path);
  }
  return paths;
}

interface MinimapProps {
  readonly tree: TraceTree;
  readonly extent: Extent;
  /** Undefined: the whole trace. */
  readonly onExtent: (extent: Extent | undefined) => void;
}

/** The whole trace, with what the waterfall shows of it. Dragging selects a stretch of time; a click shows the whole trace again. */
export function Minimap({ tree, extent, onExtent }: MinimapProps) {
  const bars = useMemo(() => minimapBars(tree), [tree]);
  const paths = useMemo(() => [...pathsOf(bars)], [bars]);
  const lanes = bars.reduce((most, { lane }) => Math.max(most, lane + 1), FEWEST_LANES);
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<readonly [from: number, to: number]>();
  const shareAt = ({ clientX }: PointerEvent): number => {
    const { left, width } = svg.current?.getBoundingClientRect() ?? { left: 0, width: 1 };
    return (clientX - left) / Math.max(width, 1);
  };
  const shown = [
    extent.offset / tree.durationMs,
    (extent.offset + extent.durationMs) / tree.durationMs,
  ] as const;
  const [from, to] = (drag ?? shown)
    .map((share) => Math.min(Math.max(share, 0), 1) * WIDTH)
    .sort((a, b) => a - b) as [number, number]; // two in, two out
  const whole = from <= 0 && to >= WIDTH;
  return (
    <svg
      ref={svg}
      class="minimap"
      viewBox={`0 0 ${WIDTH} ${lanes}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Minimap: ${whole ? 'the whole trace is shown' : `${formatDuration(extent.durationMs)} of ${formatDuration(tree.durationMs)} are shown`}`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = shareAt(event);
        setDrag([at, at]);
      }}
      onPointerMove={(event) => {
        if (drag) setDrag([drag[0], shareAt(event)]);
      }}
      onPointerUp={(event) => {
        if (!drag) return;
        setDrag(undefined);
        const stretch = stretchOf(drag[0], shareAt(event), tree.durationMs);
        onExtent(stretch && { ...stretch, start: tree.start + stretch.offset });
      }}
      onPointerCancel={() => {
        setDrag(undefined);
      }}
    >
      <title>Drag to select a stretch of time</title>
      {paths.map(([className, path]) => (
        <path key={className} class={`minimap-bars ${className}`} d={path.join('')} />
      ))}
      {!whole && (
        <>
          <rect class="minimap-shade" x={0} y={0} width={from} height={lanes} />
          <rect class="minimap-shade" x={to} y={0} width={WIDTH - to} height={lanes} />
        </>
      )}
    </svg>
  );
}
