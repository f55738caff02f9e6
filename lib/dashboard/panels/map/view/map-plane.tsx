import type { TargetedKeyboardEvent } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { MapNodeAnswer } from '../../../reader/answers/service-map.interface.js';
import { formatDuration, formatRate, formatShare } from '../../../ui/format.js';
import { serviceClass } from '../../../ui/parts/service-colour.js';
import { addressOf } from '../../../ui/state.js';
import {
  LABEL,
  type LaidNode,
  layOut,
  MOST_LABELS,
  NODE_HEIGHT,
  NODE_WIDTH,
  nodeBeside,
  placeLabels,
} from './layout.js';
import {
  errorShareOf,
  FAILING_SHARE,
  fromId,
  isFailing,
  type MapEdge,
  type MapGraph,
  nameOf,
  OUTSIDE,
  rankEdges,
  sumOfCalls,
  tracesOfEdge,
} from './map-graph.js';

/** Smaller texts cannot be read: the map scrolls instead. */
const LEAST_FIT = 0.85;
const LEAST_SCALE = 0.25;
const ZOOM_STEP = 1.25;

const SIGNS: Readonly<Record<MapNodeAnswer['kind'], string>> = {
  service: '',
  database: 'M2 4c0-3 12-3 12 0v8c0 3-12 3-12 0zM2 4c0 3 12 3 12 0',
  queue: 'M1 4h14v8h-14zM6 4v8M11 4v8',
  host: 'M8 1.5a6.5 6.5 0 1 0 .01 0zM1.5 8h13M8 1.5c-4 4-4 9 0 13c4-4 4-9 0-13',
};

/** What an edge says in short. */
const textsOf = (edge: MapEdge): readonly string[] => [
  formatRate(edge.perSecond),
  ...(edge.errors > 0 ? [`${formatShare(errorShareOf(edge))} failed`] : []),
  `p95 ${formatDuration(edge.p95)}`,
];

export const describeEdge = (edge: MapEdge): string =>
  `${nameOf(edge.from)} → ${edge.to.name}: ${textsOf(edge).join(', ')}`;

interface MapPlaneProps {
  readonly graph: MapGraph;
  /** Id of the node that was chosen. */
  readonly chosen: string | undefined;
  readonly onChoose: (id: string | undefined) => void;
}

/** The map as a picture: nodes by the arrow keys or the pointer, edges by the pointer. The table beside it has each edge as a link. */
export function MapPlane({ graph: { nodes, edges }, chosen, onChoose }: MapPlaneProps) {
  const [pointed, setPointed] = useState<string>();
  const [zoom, setZoom] = useState<number>();
  const [room, setRoom] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const plane = useRef<HTMLDivElement>(null);
  // Numbers change every few seconds; the layout stays as long as the graph does.
  const shape = edges.map(({ key }) => key).join('\n') + nodes.map(({ id }) => id).join('\n');
  const layout = useMemo(() => {
    const ids = nodes.map(({ id }) => id);
    const pairs = edges.map((edge) => ({ from: fromId(edge), to: edge.to.id }));
    return layOut(pairs.some(({ from }) => from === OUTSIDE) ? [OUTSIDE, ...ids] : ids, pairs);
  }, [shape]);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => {
      setRoom(box.current?.clientWidth ?? 0);
    });
    const { current } = box;
    if (current) {
      observer.observe(current);
      // Where calls begin.
      current.scrollTop = (layout.nodes[0]?.y ?? 0) - current.clientHeight / 2;
    }
    return () => {
      observer.disconnect();
    };
  }, []);

  const active = pointed ?? chosen;
  const touches = (edge: MapEdge): boolean =>
    active === edge.key || active === edge.to.id || active === fromId(edge);
  const isNear = (id: string): boolean =>
    id === active || edges.some((edge) => touches(edge) && (edge.to.id === id || fromId(edge) === id));
  const ranked = rankEdges(edges, touches).filter((index) => {
    const edge = edges[index];
    return edge && (edges.length <= MOST_LABELS || isFailing(edge) || touches(edge));
  });
  const labels = placeLabels(layout, ranked);
  const most = Math.max(...edges.map(({ perSecond }) => perSecond), Number.MIN_VALUE);
  const fit = room === 0 ? 1 : Math.min(1, Math.max(LEAST_FIT, room / layout.width));
  const scale = zoom ?? fit;
  const tabStop =
    layout.nodes.find(({ id }) => id === chosen) ?? layout.nodes.find(({ id }) => id !== OUTSIDE);

  const onKey = (event: TargetedKeyboardEvent<HTMLButtonElement>, from: LaidNode): void => {
    const next = nodeBeside(
      layout.nodes.filter(({ id }) => id !== OUTSIDE),
      from,
      event.key,
    );
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    plane.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(next.id)}"]`)?.focus();
  };
  return (
    <>
      <div class="map-tools">
        <span class="segmented" role="group" aria-label="Size">
          <button
            type="button"
            aria-label="Smaller"
            onClick={() => {
              setZoom(Math.max(LEAST_SCALE, scale / ZOOM_STEP));
            }}
          >
            −
          </button>
          <button
            type="button"
            onClick={() => {
              setZoom(undefined);
            }}
          >
            Fit
          </button>
          <button
            type="button"
            aria-label="Larger"
            onClick={() => {
              setZoom(Math.min(2, scale * ZOOM_STEP));
            }}
          >
            +
          </button>
        </span>
        <span class="hint">
          <span class="map-key">calls</span> <span class="map-key map-key-message">messages</span>{' '}
          <span class="map-key map-key-failing">✕ 1 % or more failed</span> Click an edge for its traces, a
          node for its calls.
        </span>
      </div>
      <div class={`map-box scroll-x ${edges.length > MOST_LABELS ? 'map-dense' : ''}`} ref={box}>
        <div
          class="map-size"
          style={{ width: `${layout.width * scale}px`, height: `${layout.height * scale}px` }}
        >
          <div
            class={`map-plane ${active === undefined ? '' : 'map-active'}`}
            role="group"
            aria-label="Map; arrow keys move between its nodes"
            ref={plane}
            style={{ width: `${layout.width}px`, height: `${layout.height}px`, transform: `scale(${scale})` }}
          >
            <svg class="map-lines" width={layout.width} height={layout.height} aria-hidden="true">
              {edges.map((edge, index) => {
                const laid = layout.edges[index];
                return (
                  laid && (
                    <a
                      key={edge.key}
                      class={`map-edge map-${edge.kind} ${isFailing(edge) ? 'map-failing' : ''} ${touches(edge) ? 'map-near' : ''}`}
                      href={addressOf(['traces'], tracesOfEdge(edge))}
                      tabIndex={-1}
                      onMouseEnter={() => {
                        setPointed(edge.key);
                      }}
                      onMouseLeave={() => {
                        setPointed(undefined);
                      }}
                    >
                      <title>{describeEdge(edge)}</title>
                      <path class="map-reach" d={laid.path} />
                      <path
                        class="map-line"
                        d={laid.path}
                        style={{ strokeWidth: 1 + 2.5 * Math.sqrt(edge.perSecond / most) }}
                      />
                      <path class="map-arrow" d={laid.arrow} />
                    </a>
                  )
                );
              })}
            </svg>
            {[...labels].map(([index, { x, y }]) => {
              const edge = edges[index];
              if (edge === undefined) return null;
              const [rate, ...rest] = textsOf(edge);
              return (
                <a
                  key={edge.key}
                  class={`map-label ${isFailing(edge) ? 'map-failing' : ''} ${touches(edge) ? 'map-near' : ''}`}
                  href={addressOf(['traces'], tracesOfEdge(edge))}
                  tabIndex={-1}
                  aria-hidden="true"
                  title={describeEdge(edge)}
                  style={{
                    left: `${x}px`,
                    top: `${y - LABEL.height / 2}px`,
                  }}
                  onMouseEnter={() => {
                    setPointed(edge.key);
                  }}
                  onMouseLeave={() => {
                    setPointed(undefined);
                  }}
                >
                  <b>{rate}</b>
                  {rest.length > 1 && <span class="map-failed"> {rest[0]?.replace(' failed', ' ✕')}</span>}
                  <br />
                  {rest.at(-1)}
                </a>
              );
            })}
            {layout.nodes.map((laid) => (
              <MapNode
                key={laid.id}
                laid={laid}
                node={nodes.find(({ id }) => id === laid.id)}
                edges={edges}
                isNear={active !== undefined && isNear(laid.id)}
                isChosen={chosen === laid.id}
                isTabStop={tabStop === laid}
                onPoint={setPointed}
                onChoose={onChoose}
                onKey={onKey}
              />
            ))}
          </div>
        </div>
      </div>
    </>
  );
}

interface MapNodeProps {
  readonly laid: LaidNode;
  /** Undefined: outside. */
  readonly node: MapNodeAnswer | undefined;
  readonly edges: readonly MapEdge[];
  readonly isNear: boolean;
  readonly isChosen: boolean;
  readonly isTabStop: boolean;
  readonly onPoint: (id: string | undefined) => void;
  readonly onChoose: (id: string | undefined) => void;
  readonly onKey: (event: TargetedKeyboardEvent<HTMLButtonElement>, from: LaidNode) => void;
}

function MapNode({ laid, node, edges, isNear, isChosen, isTabStop, onPoint, onChoose, onKey }: MapNodeProps) {
  const place = {
    left: `${laid.x}px`,
    top: `${laid.y}px`,
    width: `${NODE_WIDTH}px`,
    height: `${NODE_HEIGHT}px`,
  };
  if (node === undefined)
    return (
      <span class={`map-node map-outside ${isNear ? 'map-near' : ''}`} style={place}>
        <b>Outside</b>
        <span class="hint">callers without spans</span>
      </span>
    );
  const { kind, name, system } = node;
  const sum = sumOfCalls(edges, node.id);
  const failing = errorShareOf(sum) >= FAILING_SHARE;
  const texts = [
    ...(sum.count > 0 ? [formatRate(sum.perSecond)] : []),
    ...(failing ? [`${formatShare(errorShareOf(sum))} failed`] : []),
    ...(kind === 'service' ? [] : [system === undefined || system === name ? kind : system]),
  ];
  const point = (id: string | undefined) => () => {
    onPoint(id);
  };
  return (
    <button
      type="button"
      data-node={node.id}
      class={`map-node map-node-${kind} ${kind === 'service' ? serviceClass(name) : ''} ${failing ? 'map-failing' : ''} ${isNear ? 'map-near' : ''}`}
      style={place}
      tabIndex={isTabStop ? 0 : -1}
      aria-pressed={isChosen}
      title={[name, system, node.address].filter(Boolean).join(' · ')}
      onClick={() => {
        onChoose(isChosen ? undefined : node.id);
      }}
      onFocus={point(node.id)}
      onBlur={point(undefined)}
      onMouseEnter={point(node.id)}
      onMouseLeave={point(undefined)}
      onKeyDown={(event) => {
        onKey(event, laid);
      }}
    >
      <b>
        {SIGNS[kind] !== '' && (
          <svg class="map-sign" viewBox="0 0 16 16" aria-hidden="true">
            <path d={SIGNS[kind]} />
          </svg>
        )}
        {name}
      </b>
      <span class="hint">{texts.join(' · ')}</span>
    </button>
  );
}
