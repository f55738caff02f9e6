import { useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';

import type { ExemplarAnswer } from '../../reader/answers.interface.js';
import { formatTime } from '../format.js';
import { addressOf } from '../state.js';

/** More would hide the lines. */
const MOST = 80;
/** What lies lower in the chart is nothing to look at twice. */
const PLAIN_SHARE = 0.25;

export interface Dot {
  readonly exemplar: ExemplarAnswer;
  /** Neither failed nor slow beside the others. */
  readonly plain: boolean;
  readonly left: number;
  readonly top: number;
}

/** Where each exemplar sits, in pixels of the chart; errors last, so that they lie on top. */
export function placeDots(
  chart: uPlot,
  exemplars: readonly ExemplarAnswer[],
  atBottom = false,
): readonly Dot[] {
  const { left, top, width, height } = chart.bbox;
  const ratio = devicePixelRatio;
  const shown = [...exemplars]
    .sort((a, b) => Number(b.error) - Number(a.error) || b.value - a.value)
    .slice(0, MOST);
  return shown
    .map((exemplar) => ({
      exemplar,
      plain: !exemplar.error && exemplar.value < (chart.scales.y?.max ?? 0) * PLAIN_SHARE,
      left: left / ratio + chart.valToPos(exemplar.time, 'x'),
      top:
        top / ratio +
        Math.max(2, Math.min(chart.valToPos(atBottom ? 0 : exemplar.value, 'y'), height / ratio)),
    }))
    .filter((dot) => dot.left >= left / ratio && dot.left <= (left + width) / ratio)
    .sort((a, b) => Number(a.exemplar.error) - Number(b.exemplar.error) || a.left - b.left);
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
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const links = [...(box.current?.querySelectorAll('a') ?? [])];
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
    event.preventDefault();
  };
  const leave = (): void => {
    setHovered(undefined);
  };
  return (
    <div class="dots" ref={box} onKeyDown={onKeyDown}>
      {dots.map((dot, index) => {
        const { exemplar, plain, left, top } = dot;
        const enter = (): void => {
          setHovered(dot);
        };
        return (
          <a
            key={`${exemplar.traceId}${exemplar.spanId}`}
            class={exemplar.error ? 'dot dot-error' : plain ? 'dot dot-plain' : 'dot'}
            href={exemplarAddress(exemplar)}
            tabIndex={index === 0 ? 0 : -1}
            draggable={false}
            onMouseDown={onPress}
            style={{ left: `${left}px`, top: `${top}px` }}
            aria-label={`${exemplar.error ? 'Failed ' : ''}${exemplar.label}, ${format(exemplar.value)}: open its trace`}
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
        </div>
      )}
    </div>
  );
}
