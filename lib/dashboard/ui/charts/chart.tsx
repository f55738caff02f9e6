import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

import { useTheme } from '../theme.js';
import { type PlotArea, StartMarks } from './start-marks.js';
import { KEYS_HINT, type RegionKeys, useRegionKeys } from './use-region-keys.js';

export type Colours = (name: string) => string;

export interface ChartProps {
  readonly data: uPlot.AlignedData;
  readonly height: number;
  /** Made again when the theme or `shape` changes; everything that moves with the data is read through closures over refs. */
  readonly options: (colour: Colours) => Omit<uPlot.Options, 'width' | 'height'>;
  readonly shape: string;
  readonly label: string;
  /** Left out where there is nothing to select. */
  readonly keys?: RegionKeys | undefined;
  /** Whose starts are marked; undefined: those of all services. */
  readonly service?: string | undefined;
}

/** Undefined as long as there is no time axis to speak of. */
function areaOf({ bbox, scales }: uPlot): PlotArea | undefined {
  const { min, max } = scales.x ?? {};
  // Without data uPlot has null, which its types do not say.
  if (typeof min !== 'number' || typeof max !== 'number') return undefined;
  const [left, top, width, height] = [bbox.left, bbox.top, bbox.width, bbox.height].map(
    (pixels) => pixels / devicePixelRatio,
  ) as [number, number, number, number]; // as many as before
  return { from: min, to: max, left, top, width, height };
}

/** A uPlot chart as wide as its place, in the colours of the theme, with a mark where a process started. */
export function Chart({ data, height, options, shape, label, keys, service }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const theme = useTheme();
  const [area, setArea] = useState<PlotArea>();

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const style = getComputedStyle(element);
    const { hooks, ...rest } = options((name) => style.getPropertyValue(name).trim());
    const onDraw = (drawn: uPlot): void => {
      const next = areaOf(drawn);
      setArea((before) => (JSON.stringify(before) === JSON.stringify(next) ? before : next));
    };
    const made = new uPlot(
      {
        ...rest,
        hooks: { ...hooks, draw: [...(hooks?.draw ?? []), onDraw] },
        width: Math.max(element.clientWidth, 50),
        height,
      },
      data,
      element,
    );
    chart.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [theme, shape, height]);

  useEffect(() => {
    if (chart.current && chart.current.data !== data) chart.current.setData(data);
  }, [data]);

  const { said, onKeyDown, onBlur } = useRegionKeys(chart, keys);
  if (!keys)
    return (
      <div class="chart-place">
        <div ref={box} class="chart" role="img" aria-label={label} />
        {area && <StartMarks area={area} service={service} />}
      </div>
    );
  return (
    <div class="chart-place">
      <div
        ref={box}
        class="chart"
        role="application"
        aria-roledescription="chart"
        aria-label={label}
        aria-description={KEYS_HINT}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={onBlur}
      />
      {area && <StartMarks area={area} service={service} />}
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </div>
  );
}
