import { boxOf, type Draft, moveDraft } from '../../../lib/dashboard/ui/charts/region-grid.js';

const GRID = { columns: 10, rows: 4 };

/** Presses keys one after the other; `+` before one means that Shift is held. */
function press(keys: readonly string[], grid = GRID): Draft | undefined {
  return keys.reduce<Draft | undefined>(
    (draft, key) => moveDraft(draft, key.replace('+', ''), key.startsWith('+'), grid),
    undefined,
  );
}

describe('keys over a chart', () => {
  it('begin at the newest, and stay within', () => {
    expect(press(['ArrowLeft'])?.at).toEqual({ column: 8, row: 2 });
    expect(press(['ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowDown'])?.at).toEqual({ column: 9, row: 3 });
    expect(press(['Home', 'ArrowLeft'])?.at).toEqual({ column: 0, row: 2 });
  });

  it('select every cell between where Shift was pressed and where they are', () => {
    const draft = press(['ArrowLeft', '+ArrowLeft', '+ArrowLeft', '+ArrowUp'])!;
    expect(boxOf(draft, GRID)).toEqual({ left: 0.6, top: 0.25, width: 0.3, height: 0.5 });
  });

  it('let go of the selection when Shift is not held', () => {
    expect(press(['+ArrowLeft', 'ArrowLeft'])?.anchor).toBeUndefined();
  });

  it('go from bucket to bucket only where a chart has one row', () => {
    const grid = { columns: 10, rows: 1 };
    expect(moveDraft(undefined, 'ArrowUp', true, grid)).toBeUndefined();
    expect(boxOf(press(['Home'], grid)!, grid)).toEqual({ left: 0, top: 0, width: 0.1, height: 1 });
  });

  it('are not taken from the page where they lead nowhere', () => {
    expect(moveDraft(undefined, 'z', false, GRID)).toBeUndefined();
    expect(moveDraft(undefined, 'ArrowLeft', false, { columns: 0, rows: 1 })).toBeUndefined();
  });
});
