/** What a flame graph needs of a frame. */
export interface FlameFrame<Frame> {
  /** Distinct within the graph. */
  readonly id: string;
  readonly name: string;
  readonly selfMs: number;
  /** The self time of the frame and of all below: its width. */
  readonly totalMs: number;
  readonly depth: number;
  readonly parent: Frame | undefined;
  /** The widest first. */
  readonly children: readonly Frame[];
}

/** A frame at its place in the graph. */
export interface PlacedFrame<Frame> {
  readonly frame: Frame;
  /** Shares of the width. */
  readonly left: number;
  readonly width: number;
}

/** Deeper frames are in the table only. */
const DEEPEST = 200;

/** The order of siblings. */
export const byWidth = <Frame extends FlameFrame<Frame>>(a: Frame, b: Frame): number =>
  b.totalMs - a.totalMs || a.name.localeCompare(b.name);

/** Places frames and what is below them side by side; those narrower than `leastShare` of the width are left out. */
export function placeFrames<Frame extends FlameFrame<Frame>>(
  frames: readonly Frame[],
  leastShare: number,
): readonly PlacedFrame<Frame>[] {
  const all = Math.max(
    frames.reduce((sum, { totalMs }) => sum + totalMs, 0),
    0.000_001,
  );
  const placed: PlacedFrame<Frame>[] = [];
  const open: (readonly [readonly Frame[], number])[] = [[frames, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    let [, left] = next;
    for (const frame of next[0]) {
      const width = frame.totalMs / all;
      // The others are narrower still.
      if (width < leastShare) break;
      placed.push({ frame, left, width });
      if (frame.depth < DEEPEST) open.push([frame.children, left]);
      left += width;
    }
  }
  return placed;
}

/** Every frame, those with most self time first. */
export function rankFrames<Frame extends FlameFrame<Frame>>(frames: readonly Frame[]): readonly Frame[] {
  const all: Frame[] = [];
  const open = [...frames];
  for (let frame = open.pop(); frame; frame = open.pop()) {
    all.push(frame);
    for (const child of frame.children) open.push(child);
  }
  return all.sort((a, b) => b.selfMs - a.selfMs);
}

/** The frame that an arrow key leads to: up to the parent, down to the widest child, left and right along its siblings. */
export function frameBeside<Frame extends FlameFrame<Frame>>(
  frame: Frame,
  key: string,
  roots: readonly Frame[],
): Frame | undefined {
  if (key === 'ArrowUp') return frame.parent;
  if (key === 'ArrowDown') return frame.children[0];
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step === undefined) return undefined;
  const siblings = frame.parent?.children ?? roots;
  return siblings[siblings.indexOf(frame) + step];
}
