import { useMemo } from 'preact/hooks';

import type { LogAnswer } from '../../../reader/answers/logs.interface.js';
import { SelectField } from '../../../ui/parts/fields.js';
import { setQuery } from '../../../ui/state.js';
import { MAX_COLUMNS, suggestColumns } from './columns.js';

interface AddColumnProps {
  readonly lines: readonly LogAnswer[];
  readonly columns: readonly string[];
}

/** Takes a field that lines have into the address, as a column. */
export function AddColumn({ lines, columns }: AddColumnProps) {
  const suggested = useMemo(() => suggestColumns(lines, columns), [lines, columns]);
  if (columns.length >= MAX_COLUMNS || suggested.length === 0) return null;
  return (
    <SelectField
      label="Add a column"
      any="+ column"
      value=""
      options={suggested}
      onChange={(key) => {
        if (key !== '') setQuery({ column: [...columns, key] });
      }}
    />
  );
}

/** The headings of the columns, above the lines; each with the way to take it off. */
export function ColumnHeadings({ columns }: Pick<AddColumnProps, 'columns'>) {
  return (
    <div class="log-row log-headings" role="group" aria-label="Columns">
      <span>Time</span>
      <span>Level</span>
      <span class="log-service">Service</span>
      <span class="log-trace">Trace</span>
      {columns.map((key) => (
        <span key={key} class="log-column" title={key}>
          <button
            type="button"
            aria-label={`Remove the column ${key}`}
            onClick={() => {
              setQuery({ column: columns.filter((each) => each !== key) });
            }}
          >
            {key} ×
          </button>
        </span>
      ))}
      <span>Message</span>
    </div>
  );
}
