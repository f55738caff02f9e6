import { useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';

import type { ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
import { formatTime } from '../format.js';
import { addressOf } from '../state.js';
import { clusterDots, type Dot, slowestOfEachBucket } from './choose-dots.js';
import { moveFocus } from './move-focus.js';

/** What lies lower in the chart is drawn small. */
const PLAIN_SHARE = 0.25;

/** Where each exemplar that is shown sits, in pixels of the chart. */
export function placeDots(
  chart: uPlot,
  exemplars: readonly ExemplarAnswer[],
  atBottom = false,
): readonly Dot[] {
  const { left, top, width, height } = chart.bbox;
  const ratio = devicePixelRatio;
  const dots = slowestOfEachBucket(exemplars, chart.data[0] as readonly number[]) // times, not typed arrays
    .map((exemplar) => ({
      exemplar,
      others: 0,
      plain: !exemplar.error && exemplar.value < (chart.scales.y?.max ?? 0) * PLAIN_SHARE,
      left: left / ratio + chart.valToPos(exemplar.time, 'x'),
      top:
        top / ratio +
        Math.max(2, Math.min(chart.valToPos(atBottom ? 0 : exemplar.value, 'y'), height / ratio)),
    }))
    .filter((dot) => dot.left >= left / ratio && dot.left <= (left + width) / ratio);
  return clusterDots(dots);
}

/** The address of what an exemplar stands for. */
export const exemplarAddress = ({ traceId, spanId }: ExemplarAnswer): string =>
  addressOf(['trace', traceId], { near: spanId });

interface ExemplarDotsProps {
  readonly dots: readonly Dot[];
  readonly format: (value: number) => string;
  /** A pointer went down on a dot: it may be the beginning of a drag over the chart below. */
  readonly onPress: (event: MouseEvent) => void;
}

/** Dots that lead to traces: links, one tab stop for all of them, the arrow keys go from one to the next. */
export function ExemplarDots({ dots, format, onPress }: ExemplarDotsProps) {
  const [hovered, setHovered] = useState<Dot>();
  const box = useRef<HTMLDivElement>(null);
  const leave = (): void => {
    setHovered(undefined);
  };
  return (
    <div
      class="dots"
      ref={box}
      onKeyDown={(event) => {
        moveFocus(box.current, event);
      }}
    >
      {dots.map((dot, index) => {
        const { exemplar, others, plain, left, top } = dot;
        const enter = (): void => {
          setHovered(dot);
        };
        return (
          <a
            key={`${exemplar.traceId}${exemplar.spanId}`}
            class={`dot ${exemplar.error ? 'dot-error' : plain ? 'dot-plain' : ''} ${others > 0 ? 'dot-cluster' : ''}`}
            href={exemplarAddress(exemplar)}
            tabIndex={index === 0 ? 0 : -1}
            draggable={false}
            onMouseDown={onPress}
            style={{ left: `${left}px`, top: `${top}px` }}
            aria-label={`${exemplar.error ? 'Failed ' : ''}${exemplar.label}, ${format(exemplar.value)} at ${formatTime(exemplar.time, false)}${others > 0 ? ` and ${others} near it` : ''}: open its trace`}
            onMouseEnter={enter}
            onMouseLeave={leave}
            onFocus={enter}
            onBlur={leave}
          />
        );
      })}
      {hovered && (
        <div
          class={hovered.left > (box.current?.offsetWidth ?? 0) / 2 ? 'dot-tip dot-tip-left' : 'dot-tip'}
          style={{ left: `${hovered.left}px`, top: `${hovered.top}px` }}
          aria-hidden="true"
        >
          <b>{format(hovered.exemplar.value)}</b> {hovered.exemplar.label}
          <br />
          {formatTime(hovered.exemplar.time)} {hovered.exemplar.error ? '· failed' : ''} · open trace
          {hovered.others > 0 && (
            <>
              <br />
              {hovered.others} more here: drag over them to see which
            </>
          )}
        </div>
      )}
    </div>
  );
}
