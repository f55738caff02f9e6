import { getOrAdd } from '../../../get-or-add.js';
import { byWidth, type FlameFrame } from '../../../ui/parts/flame-layout.js';
import type { FlameFrame as ProfileFrame } from '../query.js';

/** A function on the stack, or several of libraries in one. */
export interface CpuTreeFrame extends FlameFrame<CpuTreeFrame> {
  readonly origin: ProfileFrame['origin'];
  /** `orders.ts:12`; undefined for native code and for what is folded. */
  readonly place: string | undefined;
  readonly source: ProfileFrame['source'];
}

interface Draft extends CpuTreeFrame {
  selfMs: number;
  totalMs: number;
  parent: Draft | undefined;
  children: Draft[];
}

const FOLDED = 'libraries';

/** What V8 says of itself: `(garbage collector)`, `(program)`. */
const isState = ({ name }: ProfileFrame): boolean => /^\((?!anonymous)/.test(name);

function placeOf({ file, line, source }: ProfileFrame): string | undefined {
  const at = source ?? (file === undefined ? undefined : { file, line });
  return at && `${at.file.split(/[\\/]/).at(-1) ?? ''}${at.line === undefined ? '' : `:${at.line}`}`;
}

/**
 * The frames of a profile as a tree, the widest first.
 *
 * @param folds whether functions of packages and of Node that follow each other are one frame
 */
export function buildFrames(frames: readonly ProfileFrame[], folds: boolean): readonly CpuTreeFrame[] {
  const roots: Draft[] = [];
  const made: Draft[] = [];
  const below = new Map<Draft | undefined, Map<string, Draft>>();
  // Callers come first.
  const drafts: Draft[] = [];
  for (const frame of frames) {
    const parent = frame.parent === undefined ? undefined : drafts[frame.parent];
    const isFolded = folds && frame.origin !== 'own' && !isState(frame);
    if (isFolded && parent?.name === FOLDED && parent.place === undefined) {
      parent.selfMs += frame.selfMs;
      drafts.push(parent);
      continue;
    }
    const { name, origin, source } = frame;
    const place = isFolded ? undefined : placeOf(frame);
    const key = isFolded ? FOLDED : JSON.stringify([name, frame.file, frame.line]);
    const siblings = getOrAdd(below, parent, () => new Map<string, Draft>());
    const draft = getOrAdd(siblings, key, () => {
      const added: Draft = {
        id: `cpu-${made.length}`,
        name: isFolded ? FOLDED : name,
        origin: isFolded ? 'library' : origin,
        place,
        source,
        selfMs: 0,
        totalMs: 0,
        depth: parent === undefined ? 0 : parent.depth + 1,
        parent,
        children: [],
      };
      made.push(added);
      (parent?.children ?? roots).push(added);
      return added;
    });
    draft.selfMs += frame.selfMs;
    drafts.push(draft);
  }
  for (const draft of made.toReversed()) {
    draft.totalMs += draft.selfMs;
    draft.children.sort(byWidth);
    if (draft.parent) draft.parent.totalMs += draft.totalMs;
  }
  return roots.sort(byWidth);
}

/** A function with the time of all its calls. */
export interface CpuFunction {
  readonly id: string;
  readonly name: string;
  readonly place: string | undefined;
  readonly selfMs: number;
  /** With what it called; calls of itself count once. */
  readonly totalMs: number;
  readonly widest: CpuTreeFrame;
}

/** Every function of a tree, those with most self time first. */
export function sumFunctions(roots: readonly CpuTreeFrame[]): readonly CpuFunction[] {
  const sums = new Map<string, { selfMs: number; totalMs: number; widest: CpuTreeFrame }>();
  const open = roots.map((frame) => ({ frame, above: new Set<string>() }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { frame, above } = next;
    const key = `${frame.name} ${frame.place ?? ''}`;
    const sum = getOrAdd(sums, key, () => ({ selfMs: 0, totalMs: 0, widest: frame }));
    sum.selfMs += frame.selfMs;
    if (!above.has(key)) sum.totalMs += frame.totalMs;
    if (frame.totalMs > sum.widest.totalMs) sum.widest = frame;
    const inside = above.has(key) ? above : new Set([...above, key]);
    for (const child of frame.children) open.push({ frame: child, above: inside });
  }
  return [...sums]
    .map(([id, sum]) => ({ id, name: sum.widest.name, place: sum.widest.place, ...sum }))
    .sort((a, b) => b.selfMs - a.selfMs);
}
