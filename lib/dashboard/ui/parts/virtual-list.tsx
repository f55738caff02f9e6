import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const OVERSCAN = 12;

export interface VirtualListProps {
  readonly id: string;
  readonly label: string;
  readonly count: number;
  /** Pixels; every row has the same. */
  readonly rowHeight: number;
  readonly active: number;
  readonly onActive: (index: number) => void;
  readonly onOpen?: (index: number) => void;
  /** Keys besides up, down, page, home, end and enter; true when it was one of the caller's. */
  readonly onKey?: (event: KeyboardEvent, index: number) => boolean;
  readonly onNearEnd?: () => void;
  /** Rows added at the top so far: who has scrolled down keeps what they read. */
  readonly grown?: number;
  readonly role?: 'grid' | 'treegrid';
  readonly class?: string;
  readonly children: (index: number) => ComponentChildren;
}

function nextIndex(key: string, active: number, count: number, page: number): number | undefined {
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1,
  };
  const next = moves[key];
  return next === undefined ? undefined : Math.min(Math.max(next, 0), count - 1);
}

/** A list of any length that renders what is in sight. One tab stop; the arrow keys move within. */
export function VirtualList(props: VirtualListProps) {
  const { id, label, count, rowHeight, active, onActive, onOpen, onKey, onNearEnd, grown = 0 } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });

  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const top = Math.floor(element.scrollTop / rowHeight) * rowHeight;
    const height = element.clientHeight;
    setView((before) => (before.top === top && before.height === height ? before : { top, height }));
  }, [rowHeight]);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(measure);
    if (box.current) observer.observe(box.current);
    measure();
    return () => {
      observer.disconnect();
    };
  }, [measure]);

  const grownBefore = useRef(grown);
  useLayoutEffect(() => {
    const added = grown - grownBefore.current;
    grownBefore.current = grown;
    const element = box.current;
    if (added > 0 && element && element.scrollTop > 0) element.scrollTop += added * rowHeight;
  }, [grown, rowHeight]);

  useEffect(() => {
    const element = box.current;
    if (!element || active < 0) return;
    const top = active * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight - element.clientHeight;
    }
  }, [active, rowHeight]);

  const first = Math.max(0, view.top / rowHeight - OVERSCAN);
  const last = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  useEffect(() => {
    if (last >= count - 2 * OVERSCAN) onNearEnd?.();
  }, [last, count]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== box.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = nextIndex(event.key, active, count, Math.max(1, Math.floor(view.height / rowHeight) - 1));
    if (next !== undefined) onActive(next);
    else if (event.key === 'Enter' && active >= 0) onOpen?.(active);
    else if (!onKey?.(event, active)) return;
    event.preventDefault();
  };

  const rows: ComponentChildren[] = [];
  for (let index = first; index < last; index += 1) rows.push(props.children(index));
  return (
    <div
      ref={box}
      id={id}
      class={`virtual ${props.class ?? ''}`}
      role={props.role ?? 'grid'}
      aria-label={label}
      aria-rowcount={count}
      aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
      tabIndex={0}
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      <div class="virtual-all" style={{ height: `${count * rowHeight}px` }}>
        <div class="virtual-seen" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}
