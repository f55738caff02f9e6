import { useMemo, useState } from 'preact/hooks';

import { type FlameFrame, frameBeside, type PlacedFrame, placeFrames, rankFrames } from './flame-layout.js';

const ROW_HEIGHT = 22;
/** About a pixel: what is narrower cannot be seen. */
const LEAST_SHARE = 1 / 1_000;

/** The frames that are shown, the one that is active, and what moves there. */
export interface Flame<Frame> {
  readonly placed: readonly PlacedFrame<Frame>[];
  readonly active: Frame | undefined;
  readonly zoomed: Frame | undefined;
  readonly rows: number;
  readonly goTo: (frame: Frame) => void;
  readonly zoomTo: (frame: Frame) => void;
  /** Shows the active frame over the whole width, or all of them again. */
  readonly toggleZoom: () => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

interface FlameOptions<Frame> {
  /** Whether a frame is chosen from outside, while none of the graph is. */
  readonly isChosen?: (frame: Frame) => boolean;
  readonly onGoTo?: (frame: Frame) => void;
}

/** Arrow keys move, Enter shows a frame over the whole width, z all of them again. */
export function useFlame<Frame extends FlameFrame<Frame>>(
  roots: readonly Frame[],
  { isChosen, onGoTo }: FlameOptions<Frame> = {},
): Flame<Frame> {
  const [activeId, setActiveId] = useState<string>();
  const [zoomedId, setZoomedId] = useState<string>();
  const byId = useMemo(() => new Map(rankFrames(roots).map((frame) => [frame.id, frame])), [roots]);
  const zoomed = byId.get(zoomedId ?? '');
  const shown = zoomed ? [zoomed] : roots;
  const placed = useMemo(() => placeFrames(shown, LEAST_SHARE), [roots, zoomed]);
  const active = (
    placed.find(({ frame }) => frame.id === activeId) ??
    (isChosen && placed.find(({ frame }) => isChosen(frame))) ??
    placed[0]
  )?.frame;
  const goTo = (frame: Frame): void => {
    setActiveId(frame.id);
    onGoTo?.(frame);
    document.getElementById(frame.id)?.scrollIntoView({ block: 'nearest' });
  };
  const toggleZoom = (): void => {
    setZoomedId(zoomed ? undefined : active?.id);
  };
  return {
    placed,
    active,
    zoomed,
    rows: placed.reduce((most, { frame }) => Math.max(most, frame.depth - (zoomed?.depth ?? 0) + 1), 1),
    goTo,
    zoomTo: (frame) => {
      setZoomedId(frame.id);
    },
    toggleZoom,
    onKey: (event) => {
      if (!active || event.ctrlKey || event.metaKey || event.altKey) return;
      const beside = frameBeside(active, event.key, shown);
      if (beside && placed.some(({ frame }) => frame === beside)) goTo(beside);
      else if (event.key === 'Enter') setZoomedId(active.id);
      else if (event.key === 'z') toggleZoom();
      else if (!event.key.startsWith('Arrow')) return;
      event.preventDefault();
    },
  };
}

interface FlameTreeProps<Frame> {
  readonly flame: Flame<Frame>;
  readonly label: string;
  readonly describe: (frame: Frame) => string;
  readonly textOf: (frame: Frame) => string;
  readonly classOf: (frame: Frame) => string;
}

/** Frames below those that called them, each as wide as its time. */
export function FlameTree<Frame extends FlameFrame<Frame>>({
  flame: { placed, active, zoomed, rows, goTo, zoomTo, onKey },
  label,
  describe,
  textOf,
  classOf,
}: FlameTreeProps<Frame>) {
  const top = zoomed?.depth ?? 0;
  return (
    <div
      class="flame-frames virtual"
      role="tree"
      aria-label={label}
      aria-activedescendant={active?.id}
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
            aria-selected={frame === active}
            aria-label={describe(frame)}
            title={describe(frame)}
            class={`flame-frame ${classOf(frame)}${frame === active ? ' active' : ''}`}
            style={{
              left: `${left * 100}%`,
              width: `${width * 100}%`,
              top: `${(frame.depth - top) * ROW_HEIGHT}px`,
            }}
            onClick={() => {
              goTo(frame);
            }}
            onDblClick={() => {
              zoomTo(frame);
            }}
          >
            {width > 0.02 && textOf(frame)}
          </div>
        ))}
      </div>
    </div>
  );
}
