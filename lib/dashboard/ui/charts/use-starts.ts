import { useEffect } from 'preact/hooks';

import type { VersionsApi } from '../../panels/versions/query.js';
import type { StartAnswer } from '../../reader/answers/traffic.interface.js';
import { clientOf } from '../client.js';
import { createListeners, useSyncExternalStore } from '../parts/compat.js';
import { isLive, type Place, scopeOf, spanKeyOf, usePlace } from '../state.js';

const versionsApi = clientOf<VersionsApi>();

const EVERY_MS = 15_000;
/** Charts that appear together ask once. */
const FRESH_MS = 10_000;
const NONE: readonly StartAnswer[] = [];

const listeners = createListeners();
let known = { key: '', askedAt: -Infinity, starts: NONE };

/** Asks unless it was asked just before. Without an answer there are no marks: the view says what is wrong. */
function ask(place: Place): void {
  const key = spanKeyOf(place);
  const isSame = known.key === key;
  if (document.hidden || (isSame && Date.now() - known.askedAt < FRESH_MS)) return;
  known = { key, askedAt: Date.now(), starts: isSame ? known.starts : NONE };
  versionsApi.get('starts', scopeOf(place)).then(
    (starts) => {
      if (known.key !== key) return;
      known = { ...known, starts };
      listeners.tell();
    },
    () => undefined,
  );
}

/** Processes that started within the time span of the page: every chart marks them, and all charts share one answer. */
export function useStarts(): readonly StartAnswer[] {
  const place = usePlace();
  const key = spanKeyOf(place);
  const live = isLive(place);
  useEffect(() => {
    ask(place);
    if (!live) return undefined;
    const timer = setInterval(() => {
      ask(place);
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
    };
  }, [key, live]);
  return useSyncExternalStore(listeners.subscribe, () => known.starts);
}
