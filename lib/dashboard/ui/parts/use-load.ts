import { useEffect, useRef, useState } from 'preact/hooks';

import { isUnanswered, type Query } from '../client.js';
import { isLive, type Place, REFRESH_MS, scopeOf, spanKeyOf } from '../state.js';

/** State of a request: loading, loaded or failed. The former data stays while it loads again. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  readonly reload: () => void;
}

const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

/**
 * Loads, and again when `key` changes, or every `everyMs` while the tab is visible. Data of another key is dropped, unless `keep` is
 * set. Loads again by itself while the application does not answer.
 */
export function useLoad<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { everyMs, keep = false }: { readonly everyMs?: number | undefined; readonly keep?: boolean } = {},
): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: Error; loading: boolean }>({
    key,
    loading: true,
  });
  const [round, setRound] = useState(0);
  const busy = useRef(false);
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    const abort = new AbortController();
    busy.current = true;
    setState((before) =>
      before.key === key || keep ? { ...before, key, loading: true } : { key, loading: true },
    );
    latest.current(abort.signal).then(
      (data) => {
        if (abort.signal.aborted) return;
        busy.current = false;
        setState({ key, data, loading: false });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        busy.current = false;
        const failure = error instanceof Error ? error : new Error(String(error));
        setState((before) => ({ ...before, key, error: failure, loading: false }));
      },
    );
    return () => {
      abort.abort();
    };
  }, [key, round]);

  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => {
      // An answer that takes longer is waited for: asking again would end it.
      if (!document.hidden && !busy.current) setRound((before) => before + 1);
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs, key]);

  const { error } = state;
  const retry = useRef(RETRY_MS);
  useEffect(() => {
    if (error === undefined || !isUnanswered(error)) {
      retry.current = RETRY_MS;
      return undefined;
    }
    const timer = setTimeout(() => {
      setRound((before) => before + 1);
    }, retry.current);
    retry.current = Math.min(retry.current * 2, LONGEST_RETRY_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [error]);

  const fresh = state.key === key || keep;
  return {
    data: fresh ? state.data : undefined,
    error: fresh ? state.error : undefined,
    loading: state.loading || !fresh,
    reload: () => {
      setRound((before) => before + 1);
    },
  };
}

/**
 * Loads what belongs to the time span and the processes of the page, and every few seconds while the page is live.
 *
 * @param key names what is loaded, beside the time span
 */
export function useSpanLoad<T>(
  key: string,
  place: Place,
  load: (span: Query, signal: AbortSignal) => Promise<T>,
): Loaded<T> {
  return useLoad(`${key}|${spanKeyOf(place)}`, (signal) => load(scopeOf(place), signal), {
    everyMs: isLive(place) ? REFRESH_MS : undefined,
    keep: true,
  });
}
