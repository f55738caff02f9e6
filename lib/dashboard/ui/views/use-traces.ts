import { useEffect, useRef, useState } from 'preact/hooks';

import type { ApiTraceSummary } from '../../api/api.interface.js';
import { api, type Query } from '../api.js';
import { followStream } from '../live-stream.js';
import { useLoad } from '../parts/use-load.js';
import { timeSpanOf, type Place } from '../state.js';
import { spanKeyOf } from './overview.js';
import { parseDuration } from '../format.js';

const PAGE = 500;
const MOST = 5_000;
/** So many are loaded without being asked for, so that the plot shows more than the last moments. */
const PLOTTED = 2_000;
/** Between two looks for new traces, however many end in the meantime. */
const LIVE_MS = 1_000;

const FILTERS = ['service', 'method', 'route', 'status', 'text', 'min', 'max'] as const;

/** The filters of the address as the API takes them. */
export function traceQueryOf({ query }: Place): Query {
  const text = (name: string): string | undefined => query.get(name) ?? undefined;
  return {
    service: text('service'),
    method: text('method'),
    route: text('route'),
    status: text('status'),
    text: text('text'),
    attribute: query.getAll('attribute'),
    minMs: parseDuration(text('min') ?? ''),
    maxMs: parseDuration(text('max') ?? ''),
  };
}

export interface Traces {
  readonly traces: readonly ApiTraceSummary[];
  readonly error: Error | undefined;
  readonly loading: boolean;
  readonly more: () => void;
  readonly reload: () => void;
  /** Traces that came in at the top since the filters changed. */
  readonly grown: number;
  /** There are no older ones. */
  readonly complete: boolean;
}

interface Held {
  readonly key: string;
  readonly items: readonly ApiTraceSummary[];
  readonly next: string | undefined;
  readonly grown: number;
}

function merge(
  held: Held,
  key: string,
  page: { items: readonly ApiTraceSummary[]; next: string | undefined },
): Held {
  if (held.key !== key || held.items.length === 0) return { key, ...page, grown: 0 };
  const newest = new Map(page.items.map((trace) => [trace.traceId, trace]));
  const known = new Set(held.items.map(({ traceId }) => traceId));
  const added = page.items.filter(({ traceId }) => !known.has(traceId));
  // A trace goes on growing for a while: the newer word about it counts.
  const rest = held.items.map((trace) => newest.get(trace.traceId) ?? trace);
  const items = [...added, ...rest].sort((a, b) => b.start - a.start).slice(0, MOST);
  return { ...held, items, grown: held.grown + added.length };
}

/** The traces that match the address: a first page, more on demand, and new ones as they end. */
export function useTraces(place: Place, live: boolean): Traces {
  const { query } = place;
  const filters = [...FILTERS.map((name) => query.get(name) ?? ''), ...query.getAll('attribute')].join('|');
  const key = `${spanKeyOf(place)}|${filters}`;
  const [held, setHeld] = useState<Held>({ key, items: [], next: undefined, grown: 0 });
  const latest = useRef(key);
  latest.current = key;

  const first = useLoad(`traces|${key}`, async (signal) => {
    const { from, to, minutes } = timeSpanOf(query);
    const span = minutes === undefined ? { from, to } : { from };
    const page = await api.traces({ ...traceQueryOf(place), ...span, limit: PAGE }, signal);
    setHeld((before) => merge(before, key, { items: page.items, next: page.next }));
    return page;
  });

  const { reload } = first;
  useEffect(() => {
    if (!live) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = followStream(
      { traces: '1' },
      {
        onItem: ({ type }) => {
          if (type !== 'trace' || timer !== undefined) return;
          timer = setTimeout(() => {
            timer = undefined;
            if (!document.hidden) reload();
          }, LIVE_MS);
        },
      },
    );
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [live, key]);

  const busy = useRef(false);
  const more = (): void => {
    const { next } = held;
    if (next === undefined || busy.current || held.items.length >= MOST) return;
    busy.current = true;
    const { from } = timeSpanOf(query);
    void api
      .traces({ ...traceQueryOf(place), from, before: next, limit: PAGE })
      .then((page) => {
        if (latest.current !== key) return;
        setHeld((before) => {
          const known = new Set(before.items.map(({ traceId }) => traceId));
          const items = [...before.items, ...page.items.filter(({ traceId }) => !known.has(traceId))];
          return { ...before, items, next: page.next };
        });
      })
      // The next scroll asks again.
      .catch(() => undefined)
      .finally(() => {
        busy.current = false;
      });
  };
  const current = held.key === key;
  useEffect(() => {
    if (current && held.items.length < PLOTTED) more();
  }, [current, held.next]);
  return {
    traces: current ? held.items : [],
    error: first.error,
    loading: first.loading && !(current && held.items.length > 0),
    more,
    reload,
    grown: current ? held.grown : 0,
    complete: current && held.next === undefined,
  };
}
