import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

import { useTheme } from '../theme.js';

export type Colours = (name: string) => string;

export interface ChartProps {
  readonly data: uPlot.AlignedData;
  readonly height: number;
  /** Made again when the theme or `shape` changes; everything that moves with the data is read through closures over refs. */
  readonly options: (colour: Colours) => Omit<uPlot.Options, 'width' | 'height'>;
  readonly shape: string;
  readonly label: string;
  readonly onChart?: (chart: uPlot | undefined) => void;
}

/** A uPlot chart as wide as its place, in the colours of the theme. */
export function Chart({ data, height, options, shape, label, onChart }: ChartProps) {
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
    onChart?.(made);
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      onChart?.(undefined);
      made.destroy();
      chart.current = undefined;
    };
  }, [theme, shape, height]);

  useEffect(() => {
    if (chart.current && chart.current.data !== data) chart.current.setData(data);
  }, [data]);

  return <div ref={box} class="chart" role="img" aria-label={label} />;
}
