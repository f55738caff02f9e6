import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { formatExact } from '../format.js';

/** A column of a table. */
export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Aligned to the right. */
  readonly number?: boolean;
  /** Value by which the heading sorts; without one it does not. */
  readonly sortBy?: (row: Row) => string | number;
  readonly class?: (row: Row) => string;
  /** Shown when the pointer rests on the cell. */
  readonly title?: (row: Row) => string;
}

interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly class?: string;
  readonly rowClass?: (row: Row) => string;
  /** Name of the column that sorts the rows at first; undefined: the order of `rows`. */
  readonly sortedBy?: string;
  /** So many rows are shown, and with each press of the button below it as many more; undefined: all. */
  readonly most?: number;
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

/** A table whose headings sort it, numbers from the largest down. */
export function Table<Row>({
  columns,
  rows,
  keyOf,
  class: name = '',
  rowClass,
  sortedBy,
  most = Infinity,
}: TableProps<Row>) {
  const [sort, setSort] = useState({ by: sortedBy, down: true });
  const [shown, setShown] = useState(most);
  const { sortBy } = columns.find((column) => column.name === sort.by) ?? {};
  const sign = sort.down ? -1 : 1;
  const sorted = sortBy ? [...rows].sort((a, b) => sign * compare(sortBy(a), sortBy(b))) : rows;
  const headingOf = (column: Column<Row>): ComponentChildren =>
    column.sortBy ? (
      <button
        type="button"
        onClick={() => {
          const down = sort.by === column.name ? !sort.down : column.number === true;
          setSort({ by: column.name, down });
        }}
      >
        {column.name}
      </button>
    ) : (
      column.name
    );
  const more = Math.min(most, sorted.length - shown);
  return (
    <>
      <table class={`grid ${name}`}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                class={column.number ? 'number' : ''}
                aria-sort={sort.by === column.name ? (sort.down ? 'descending' : 'ascending') : undefined}
              >
                {headingOf(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, shown).map((row) => (
            <tr key={keyOf(row)} class={rowClass?.(row)}>
              {columns.map((column) => (
                <td
                  key={column.name}
                  class={`${column.number ? 'number' : ''} ${column.class?.(row) ?? ''}`}
                  title={column.title?.(row)}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <button
          type="button"
          class="more-rows"
          onClick={() => {
            setShown(shown + more);
          }}
        >
          Show {formatExact(more)} more of {formatExact(sorted.length)}
        </button>
      )}
    </>
  );
}
