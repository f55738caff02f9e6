import { useEffect, useRef, useState } from 'preact/hooks';

import type { ApiLog, ApiPage } from '../../api/api.interface.js';
import { api, type Query } from '../api.js';
import { formatValue } from '../format.js';
import { followStream } from '../live-stream.js';
import { severityOf } from '../parts/severity.js';
import { useLoad } from '../parts/use-load.js';
import { timeSpanOf, type Place } from '../state.js';
import { spanKeyOf } from './overview.js';

const PAGE = 1_000;
/** Lines kept in the tab. */
const MOST = 20_000;
/** New lines are shown in bunches: a render per line would be the slowest part of a busy service. */
const BUNCH_MS = 250;

const FILTERS = ['service', 'level', 'text', 'traceId', 'spanId'] as const;

function logQueryOf({ query }: Place): Query {
  return {
    ...Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? undefined])),
    attribute: query.getAll('attribute'),
  };
}

/** Whether a line that just came in is one of those that were asked for. */
function matches(log: ApiLog, { query }: Place): boolean {
  const of = (name: string): string => query.get(name) ?? '';
  if (of('service') !== '' && log.service !== of('service')) return false;
  if (of('level') !== '' && severityOf(log.level) < severityOf(of('level'))) return false;
  if (of('traceId') !== '' && log.traceId !== of('traceId')) return false;
  if (of('spanId') !== '' && log.spanId !== of('spanId')) return false;
  const fields = Object.entries(log.attributes).map(([key, value]) => `${key}:${formatValue(value)}`);
  if (!query.getAll('attribute').every((wanted) => fields.includes(wanted))) return false;
  const words = of('text').toLowerCase().split(/\s+/).filter(Boolean);
  const text = [log.message, log.context ?? '', ...fields].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

export interface Logs {
  readonly logs: readonly ApiLog[];
  readonly error: Error | undefined;
  readonly loading: boolean;
  readonly more: () => void;
  readonly reload: () => void;
  readonly grown: number;
}

interface Held {
  readonly items: readonly ApiLog[];
  readonly next: string | undefined;
  readonly grown: number;
}

const NOTHING: Held = { items: [], next: undefined, grown: 0 };

/** The lines that match the address: a first page, more on demand, and new ones as they are written. */
export function useLogs(place: Place, live: boolean): Logs {
  const { query } = place;
  const filters = [...FILTERS.map((name) => query.get(name) ?? ''), ...query.getAll('attribute')].join('|');
  // The lines of one trace are wanted whenever it was.
  const key = `${query.has('traceId') ? '' : spanKeyOf(place)}|${filters}`;
  const [held, setHeld] = useState<Held>(NOTHING);
  const latest = useRef(key);
  latest.current = key;

  const ask = (before: string | undefined, signal?: AbortSignal): Promise<ApiPage<ApiLog>> => {
    const { from, to, minutes } = timeSpanOf(query);
    const span = query.has('traceId') ? {} : minutes === undefined ? { from, to } : { from };
    return api.logs({ ...logQueryOf(place), ...span, before, limit: PAGE }, signal);
  };

  const first = useLoad(`logs|${key}`, async (signal) => {
    const page = await ask(undefined, signal);
    setHeld({ items: page.items, next: page.next, grown: 0 });
    return page;
  });

  useEffect(() => {
    if (!live) return undefined;
    let waiting: ApiLog[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (): void => {
      timer = undefined;
      const bunch = waiting;
      waiting = [];
      setHeld((before) => {
        const newest = before.items[0]?.id ?? -1;
        const added = bunch.filter(({ id }) => id > newest).sort((a, b) => b.id - a.id);
        if (added.length === 0) return before;
        return {
          ...before,
          items: [...added, ...before.items].slice(0, MOST),
          grown: before.grown + added.length,
        };
      });
    };
    const stop = followStream(
      { logs: '1' },
      {
        onItem: (item) => {
          if (item.type !== 'log' || !matches(item.log, place)) return;
          waiting.push(item.log);
          timer ??= setTimeout(show, BUNCH_MS);
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
    if (held.next === undefined || busy.current || held.items.length >= MOST) return;
    busy.current = true;
    ask(held.next)
      .then((page) => {
        if (latest.current !== key) return;
        setHeld((before) => ({ ...before, items: [...before.items, ...page.items], next: page.next }));
      })
      // The next scroll asks again.
      .catch(() => undefined)
      .finally(() => {
        busy.current = false;
      });
  };
  const here = first.data !== undefined;
  return {
    logs: here ? held.items : [],
    error: first.error,
    loading: first.loading,
    more,
    reload: first.reload,
    grown: held.grown,
  };
}
