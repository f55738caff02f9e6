import type { ComponentChildren } from 'preact';

import { parseCondition, writeCondition } from '../../reader/field-filter.js';
import { ALL_PROCESSES } from '../process-choice.js';
import { addressOf, addressWith, type Place, timeSpanOf } from '../state.js';
import { Failure, Notice } from './notice.js';
import type { LivePages } from './use-live-pages.js';

const LONGEST_RANGE = '24h';

interface ListProps<T> {
  readonly pages: LivePages<T>;
  readonly place: Place;
  /** `traces` */
  readonly things: string;
  /** Parameters of the address that narrow the list. */
  readonly filters: readonly string[];
  /** What to do when nothing has been recorded at all. */
  readonly empty: string;
  readonly children: (items: readonly T[]) => ComponentChildren;
}

/** Renders a list that grows; while it has no items, why: loading, failed, or what to do about it. */
export function WhenListed<T>({ pages, children, ...rest }: ListProps<T>) {
  const { items, error, loading, reload } = pages;
  const isEmpty = items.length === 0;
  return (
    <>
      {error && <Failure error={error} retry={reload} />}
      {isEmpty && loading && <Notice kind="loading">Loading…</Notice>}
      {isEmpty && !loading && !error && <NothingFound {...rest} />}
      {!isEmpty && children(items)}
    </>
  );
}

/** Leads from an empty list to one that has something: without the filters, or of a longer time. */
function NothingFound({
  place,
  things,
  filters,
  empty,
}: Pick<ListProps<unknown>, 'place' | 'things' | 'filters' | 'empty'>) {
  const { query, path } = place;
  // `user_id=grace` in the search: no text has it, for attributes and fields are names with values.
  const condition = parseCondition(query.get('text') ?? '');
  const filtered = filters.some((name) => query.has(name));
  const isLongest = query.get('range') === LONGEST_RANGE && timeSpanOf(query).minutes !== undefined;
  return (
    <Notice>
      <p>{filtered ? `No ${things} match these filters.` : `There are no ${things} in this time range.`}</p>
      {!filtered && <p>{empty}</p>}
      <p class="buttons">
        {condition && (
          <a
            class="button"
            href={addressWith({
              text: undefined,
              where: [...query.getAll('where'), writeCondition(condition)],
            })}
          >
            Look for attribute or field {writeCondition(condition)}
          </a>
        )}
        {filtered && (
          <a class="button" href={addressOf(path, ALL_PROCESSES)}>
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
