/** A chart as cells, so that keys can go over it: a column per bucket, and rows where its values matter too. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
}

interface Cell {
  readonly column: number;
  readonly row: number;
}

/** Where the keys are, and from where on they select. */
export interface Draft {
  readonly at: Cell;
  readonly anchor: Cell | undefined;
}

/** Shares of the chart, from its upper left corner. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const MOVES: Readonly<Record<string, readonly [columns: number, rows: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  PageUp: [-10, 0],
  PageDown: [10, 0],
  Home: [-Infinity, 0],
  End: [Infinity, 0],
};

const clamp = (value: number, count: number): number => Math.min(Math.max(value, 0), count - 1);

/** Where a key leads; with `extend` what lies between is selected. Undefined for keys that lead nowhere. Begins at what is newest. */
export function moveDraft(
  draft: Draft | undefined,
  key: string,
  extend: boolean,
  grid: Grid,
): Draft | undefined {
  const [columns, rows] = MOVES[key] ?? [0, 0];
  if (grid.columns === 0 || (columns === 0 && (rows === 0 || grid.rows === 1))) return undefined;
  const from = draft?.at ?? { column: grid.columns - 1, row: grid.rows >> 1 };
  const at = { column: clamp(from.column + columns, grid.columns), row: clamp(from.row + rows, grid.rows) };
  return { at, anchor: extend ? (draft?.anchor ?? from) : undefined };
}

/** All cells from the anchor to where the keys are, or the one they are on. */
export function boxOf({ at, anchor = at }: Draft, { columns, rows }: Grid): Box {
  return {
    left: Math.min(at.column, anchor.column) / columns,
    top: Math.min(at.row, anchor.row) / rows,
    width: (Math.abs(at.column - anchor.column) + 1) / columns,
    height: (Math.abs(at.row - anchor.row) + 1) / rows,
  };
}
