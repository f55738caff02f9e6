import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

import { useTheme } from '../theme.js';
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
}

/** A uPlot chart as wide as its place, in the colours of the theme. */
export function Chart({ data, height, options, shape, label, keys }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const theme = useTheme();

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const style = getComputedStyle(element);
    const made = new uPlot(
      {
        ...options((name) => style.getPropertyValue(name).trim()),
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
  if (!keys) return <div ref={box} class="chart" role="img" aria-label={label} />;
  return (
    <>
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
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </>
  );
}
