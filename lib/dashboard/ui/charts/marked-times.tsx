import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import { StartMarks } from './start-marks.js';

interface MarkedTimesProps {
  /** The time for which the whole width stands. */
  readonly extent: readonly [from: number, to: number];
  /** Pixels. */
  readonly height: number;
  /** Whose restarts and changes of version are marked; undefined: those of all services. */
  readonly service?: string | undefined;
  readonly children: ComponentChildren;
}

/** Marks where a process started, over what is drawn along a time axis and is no `Chart`. */
export function MarkedTimes({ extent: [from, to], height, service, children }: MarkedTimesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return (
    <div class="chart-place" ref={box}>
      {children}
      {width > 0 && <StartMarks area={{ from, to, left: 0, top: 0, width, height }} service={service} />}
    </div>
  );
}
