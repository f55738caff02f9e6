import { useRef } from 'preact/hooks';

import { plural } from '../format.js';
import type { LivePages } from './use-live-pages.js';
import { VirtualList, type VirtualListProps } from './virtual-list.js';

interface LiveListProps<T> extends Omit<VirtualListProps<T>, 'items' | 'grown' | 'onNearEnd'> {
  readonly pages: LivePages<T>;
  /** `trace` */
  readonly thing: string;
}

/**
 * A list that grows at the top while the page is live. It does not move under the pointer and while it has the focus, so that a row is
 * the same when it is clicked as when it was aimed at; a button then has the number of new rows, and shows them.
 */
export function LiveList<T>({ pages, thing, ...list }: LiveListProps<T>) {
  const { items, grown, fresh, more, hold, showFresh } = pages;
  const box = useRef<HTMLDivElement>(null);
  const isUsed = (): boolean => box.current?.matches(':hover, :focus-within') ?? false;
  const update = (): void => {
    hold(isUsed());
  };
  return (
    <div
      class="live-list"
      ref={box}
      onMouseEnter={update}
      onMouseLeave={update}
      onFocusIn={update}
      // The next element has the focus only afterwards.
      onFocusOut={() => setTimeout(update)}
    >
      {fresh > 0 && (
        <button
          type="button"
          class="live-fresh"
          title={`Show ${plural(fresh, `new ${thing}`)}; the list does not move while you point at it`}
          onClick={() => {
            showFresh();
            document.getElementById(list.id)?.scrollTo({ top: 0 });
          }}
        >
          {fresh} new
        </button>
      )}
      <VirtualList {...list} items={items} grown={grown} onNearEnd={more} />
    </div>
  );
}
