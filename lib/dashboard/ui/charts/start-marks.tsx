import { useRef, useState } from 'preact/hooks';

import { addressOf } from '../state.js';
import { clusterStarts, type StartMark, type TimeScale } from './cluster-starts.js';
import { moveFocus } from './move-focus.js';
import { useStarts } from './use-starts.js';

/** Where the plot of a chart is, in pixels of the chart, and its time axis. */
export interface PlotArea extends TimeScale {
  readonly left: number;
  readonly top: number;
  readonly height: number;
}

interface StartMarksProps {
  readonly area: PlotArea;
  /** Of one service; undefined: of all. */
  readonly service?: string | undefined;
}

/** Where the versions before and after a change are compared, or the times before and after a restart. */
function comparisonOf({ isChange, start }: StartMark, { to }: TimeScale): string {
  const { service, version, previousVersion, time } = start;
  if (isChange) return addressOf(['versions'], { service, a: previousVersion, b: version });
  const after = { range: undefined, from: Math.floor(time), to: Math.ceil(to) };
  return addressOf(['versions'], { service, by: 'time', ...after });
}

/** Thin lines where a process was restarted or a version changed; each leads to what that changed. One tab stop for all of them. */
export function StartMarks({ area, service }: StartMarksProps) {
  const starts = useStarts();
  const [hovered, setHovered] = useState<StartMark>();
  const box = useRef<HTMLDivElement>(null);
  const marks = clusterStarts(starts, area, service);
  if (marks.length === 0) return null;
  const leave = (): void => {
    setHovered(undefined);
  };
  return (
    <div
      class="start-marks"
      ref={box}
      style={{
        left: `${area.left}px`,
        top: `${area.top}px`,
        width: `${area.width}px`,
        '--plot-height': `${area.height - 8}px`,
      }}
      onKeyDown={(event) => {
        moveFocus(box.current, event);
      }}
    >
      {marks.map((mark, index) => {
        const enter = (): void => {
          setHovered(mark);
        };
        return (
          <a
            key={index}
            class={mark.isChange ? 'start-mark start-mark-change' : 'start-mark'}
            href={comparisonOf(mark, area)}
            tabIndex={index === 0 ? 0 : -1}
            draggable={false}
            style={{ left: `${mark.left}px` }}
            aria-label={`${mark.label}: compare before and after`}
            onMouseEnter={enter}
            onMouseLeave={leave}
            onFocus={enter}
            onBlur={leave}
          />
        );
      })}
      {hovered && (
        <div
          class={hovered.left > area.width / 2 ? 'dot-tip dot-tip-left' : 'dot-tip dot-tip-right'}
          style={{ left: `${hovered.left}px` }}
          aria-hidden="true"
        >
          {hovered.label}
        </div>
      )}
    </div>
  );
}
