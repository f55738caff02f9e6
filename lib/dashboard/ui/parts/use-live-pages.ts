import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { StreamItem } from '../../api/api.interface.js';
import type { Page } from '../../reader/answers/answer-parts.interface.js';
import { hasFeature } from '../database.js';
import { formatExact, plural } from '../format.js';
import { followStream, type StreamKind, type StreamState } from '../live-stream.js';
import { REFRESH_MS } from '../state.js';
import {
  addNewer,
  addOlder,
  freezePages,
  type Held,
  holdFirst,
  holdNothing,
  type Order,
} from './held-pages.js';
import { useLoad } from './use-load.js';

/** A list that grows at both ends. */
export interface LivePages<T> {
  readonly items: readonly T[];
  readonly error: Error | undefined;
  readonly loading: boolean;
  /** Loads the next page, if there is one and none is on its way. */
  readonly more: () => void;
  readonly reload: () => void;
  /** Items that were added at the top since the first page. */
  readonly grown: number;
  /** Newer items that are left out while the list is frozen. */
  readonly fresh: number;
  /** Freezes the list, or lets it move again. */
  readonly hold: (still: boolean) => void;
  /** Shows what was left out; the list stays frozen. */
  readonly showFresh: () => void;
  /** There are no older ones. */
  readonly complete: boolean;
  /** Items there are in all; undefined where that is not known. */
  readonly total: number | undefined;
}

interface Source<T> extends Order<T> {
  /** Names what is asked for. */
  readonly key: string;
  readonly ask: (before: string | undefined, signal?: AbortSignal) => Promise<Page<T>>;
  /** Pages are loaded by themselves until so many items are there. */
  readonly atOnce?: number;
  readonly live: boolean;
  readonly stream: StreamKind;
  /** What of the stream belongs to the list. */
  readonly take: (item: StreamItem) => T | undefined;
  /** New items are shown in bunches: a render for each would be the slowest part of a busy service. Milliseconds. */
  readonly bunchMs: number;
  /** What the stream brings is only a hint: filters that the server alone can apply decide. */
  readonly asksAgain?: boolean;
}

/** A first page of what matches, more on demand, and what is new as it comes in. */
export function useLivePages<T>(source: Source<T>): LivePages<T> {
  const { key, ask, most, atOnce = 0, live, stream, bunchMs } = source;
  const [all, setAll] = useState<Held<T>>(() => holdNothing(key));
  const held = all.key === key ? all : holdNothing<T>(key);
  const [frozen, setFrozen] = useState<Held<T>>();
  // An empty list cannot be pointed at, and is not frozen.
  const isStill = frozen?.key === key && frozen.items.length > 0;
  const still = useMemo(() => isStill && freezePages(held, frozen, source), [held, isStill, frozen]);
  const latest = useRef(source);
  latest.current = source;

  const first = useLoad(key, async (signal) => {
    const page = await ask(undefined, signal);
    setAll((before) => holdFirst(before, key, page, source));
    return page;
  });
  const reload = useRef(first.reload);
  reload.current = first.reload;
  const isLoading = useRef(false);
  isLoading.current = first.loading;

  useEffect(() => {
    if (!live) return undefined;
    let waiting: T[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isFollowing = false;
    let wasLost = false;
    const asking = setInterval(() => {
      if (!isFollowing && !document.hidden && !isLoading.current) reload.current();
    }, REFRESH_MS);
    const show = (): void => {
      timer = undefined;
      const bunch = waiting;
      waiting = [];
      if (!latest.current.asksAgain) setAll((before) => addNewer(before, bunch, latest.current));
      else if (!document.hidden) reload.current();
    };
    const onItem = (item: StreamItem): void => {
      const taken = latest.current.take(item);
      if (taken === undefined) return;
      waiting.push(taken);
      timer ??= setTimeout(show, bunchMs);
    };
    const onState = (state: StreamState): void => {
      const isLive = state === 'live';
      // What ended in between did not come over the stream.
      if (isLive && wasLost) reload.current();
      wasLost = !isLive && (wasLost || isFollowing || state === 'lost');
      isFollowing = isLive;
    };
    const stop = hasFeature('live') ? followStream(stream, { onItem, onState }) : undefined;
    return () => {
      stop?.();
      clearInterval(asking);
      clearTimeout(timer);
    };
  }, [live, key]);

  const busy = useRef(false);
  const more = (): void => {
    if (held.next === undefined || busy.current || held.items.length >= most) return;
    busy.current = true;
    ask(held.next)
      .then((page) => {
        setAll((before) => (before.key === key ? addOlder(before, page, source) : before));
      })
      // The next scroll asks again.
      .catch(() => undefined)
      .finally(() => {
        busy.current = false;
      });
  };
  useEffect(() => {
    if (held.items.length < atOnce) more();
  }, [key, held.next]);

  return {
    items: still ? still.items : held.items,
    fresh: still ? still.fresh : 0,
    hold: (hold) => {
      setFrozen((before) => (hold ? (before?.key === key ? before : held) : undefined));
    },
    showFresh: () => {
      setFrozen(held);
    },
    error: first.error,
    loading: first.loading && held.items.length === 0,
    more,
    reload: first.reload,
    grown: still ? still.grown : held.grown,
    total: held.total,
    complete: held.next === undefined && held.items.length < most,
  };
}

/** How many of all items are there: `2,013 traces`, or `newest 2,000 of 5,824 traces`. */
export function countOf<T>({ items, complete, total }: LivePages<T>, thing: string): string {
  if (complete) return plural(items.length, thing);
  const all = total !== undefined && total > items.length ? ` of ${formatExact(total)}` : '';
  return `newest ${formatExact(items.length)}${all} ${thing}s`;
}
