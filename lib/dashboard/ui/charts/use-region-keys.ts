import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';

import { type Box, boxOf, type Draft, type Grid, moveDraft } from './region-grid.js';

/** How a chart is gone over by keys. */
export interface RegionKeys {
  readonly grid: Grid;
  /** Says where the keys are, or what they select; the box is in pixels. */
  readonly say: (chart: uPlot, box: Box, selects: boolean) => string;
}

export const KEYS_HINT =
  'Arrow keys move over the chart, with Shift they select a region, Enter looks into it, Escape clears it.';

const NOTHING = { left: 0, top: 0, width: 0, height: 0 };
const OUTSIDE = { left: -10, top: -10 };

function pixelsOf(chart: uPlot, { left, top, width, height }: Box): Box {
  const { clientWidth, clientHeight } = chart.over;
  return {
    left: left * clientWidth,
    top: top * clientHeight,
    width: width * clientWidth,
    height: height * clientHeight,
  };
}

/**
 * Lets the arrow keys do what the pointer does over a chart: move, select (with Shift), and with Enter hand the region to the chart's own
 * `setSelect` hook. `said` is for a live region.
 */
export function useRegionKeys(chartRef: RefObject<uPlot | undefined>, keys: RegionKeys | undefined) {
  const draft = useRef<Draft | undefined>(undefined);
  const [said, setSaid] = useState('');

  const show = (chart: uPlot, { grid, say }: RegionKeys, next: Draft): void => {
    draft.current = next;
    const box = pixelsOf(chart, boxOf(next, grid));
    const at = pixelsOf(chart, boxOf({ ...next, anchor: undefined }, grid));
    const selects = next.anchor !== undefined;
    chart.setSelect(selects ? box : NOTHING, false);
    // A bucket is known by where it begins.
    chart.setCursor({ left: at.left + at.width / 4, top: at.top + at.height / 2 });
    setSaid(say(chart, box, selects));
  };
  const clear = (chart: uPlot): void => {
    draft.current = undefined;
    chart.setSelect(NOTHING, false);
    chart.setCursor(OUTSIDE);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const chart = chartRef.current;
    if (!chart || !keys || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = draft.current;
    if (event.key === 'Enter' && now) {
      const box = pixelsOf(chart, boxOf(now, keys.grid));
      clear(chart);
      chart.setSelect(box, true);
    } else if (event.key === 'Escape' && now?.anchor) {
      show(chart, keys, { at: now.at, anchor: undefined });
      setSaid('Nothing is selected.');
    } else {
      const next = moveDraft(now, event.key, event.shiftKey, keys.grid);
      if (!next) return;
      show(chart, keys, next);
    }
    event.preventDefault();
  };
  const onBlur = (): void => {
    if (chartRef.current && draft.current) clear(chartRef.current);
    setSaid('');
  };
  return { said, onKeyDown, onBlur };
}
