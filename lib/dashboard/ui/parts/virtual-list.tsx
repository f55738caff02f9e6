import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const OVERSCAN = 12;

export interface VirtualListProps<T> {
  readonly id: string;
  readonly label: string;
  readonly items: readonly T[];
  /** Pixels; every row has the same. */
  readonly rowHeight: number;
  /** Index of the active row; -1 for none. */
  readonly active: number;
  readonly onActive: (item: T) => void;
  readonly onOpen?: (item: T, index: number) => void;
  /** Keys besides up, down, page, home, end and enter; true when it was one of the caller's. */
  readonly onKey?: (event: KeyboardEvent, item: T) => boolean;
  readonly onNearEnd?: () => void;
  /** Rows added at the top so far: what is in sight stays in place. */
  readonly grown?: number;
  readonly role?: 'grid' | 'treegrid';
  readonly class?: string;
  readonly children: (item: T, index: number) => ComponentChildren;
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
export function VirtualList<T>(props: VirtualListProps<T>) {
  const { id, label, items, rowHeight, active, onActive, onOpen, onKey, onNearEnd, grown = 0 } = props;
  const count = items.length;
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
    const [item, nextItem] = [items[active], next === undefined ? undefined : items[next]];
    if (nextItem) onActive(nextItem);
    else if (event.key === 'Enter' && item) onOpen?.(item, active);
    else if (!item || !onKey?.(event, item)) return;
    event.preventDefault();
  };

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
          {items.slice(first, last).map((item, index) => props.children(item, first + index))}
        </div>
      </div>
    </div>
  );
}
