import type { ComponentChildren } from 'preact';

import { addressOf, addressWith, type Place, timeSpanOf } from '../state.js';
import { Notice } from './notice.js';

const LONGEST_RANGE = '24h';

/** Stands in place of an empty list: what makes it fill, or what to take off where filters are on. */
export function NothingFound({
  place,
  things,
  filters,
  children,
}: {
  readonly place: Place;
  /** `traces` */
  readonly things: string;
  /** Parameters of the address that narrow the list. */
  readonly filters: readonly string[];
  /** What to do when nothing has been recorded at all. */
  readonly children: ComponentChildren;
}) {
  const { query, path } = place;
  const filtered = filters.some((name) => query.has(name));
  const isLongest = query.get('range') === LONGEST_RANGE && timeSpanOf(query).minutes !== undefined;
  return (
    <Notice>
      <p>{filtered ? `No ${things} match these filters.` : `There are no ${things} in this time span.`}</p>
      {!filtered && <p>{children}</p>}
      <p class="buttons">
        {filtered && (
          <a class="button" href={addressOf(path)}>
            Clear filters
          </a>
        )}
        {!isLongest && (
          <a class="button" href={addressWith({ range: LONGEST_RANGE, from: undefined, to: undefined })}>
            Look at the last {LONGEST_RANGE}
          </a>
        )}
      </p>
    </Notice>
  );
}
