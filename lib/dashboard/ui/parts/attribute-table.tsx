import type { JsonAttributes } from '../../reader/answers/answer-parts.interface.js';
import { formatValue } from '../format.js';

interface TableProps {
  readonly attributes: JsonAttributes;
  /** Address of what has the same value. */
  readonly filterAddress?: (key: string, value: string) => string;
  /** Address with a column of that name in the list; undefined where there is one. */
  readonly columnAddress?: (key: string) => string | undefined;
}

/** Names and values, sorted by name; each value links to others with the same. */
export function AttributeTable({ attributes, filterAddress, columnAddress }: TableProps) {
  const entries = Object.entries(attributes).sort(([a], [b]) => a.localeCompare(b));
  if (entries.length === 0) return <p class="hint">None.</p>;
  return (
    <table class="attributes">
      <tbody>
        {entries.map(([key, value]) => {
          const text = formatValue(value);
          const column = columnAddress?.(key);
          return (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td class={typeof value === 'number' ? 'number' : ''}>
                <span class="value">{text}</span>
                {filterAddress && (
                  <a
                    class="filter-link"
                    href={filterAddress(key, text)}
                    title={`Find others with this ${key}`}
                  >
                    find
                  </a>
                )}
                {column !== undefined && (
                  <a class="filter-link" href={column} title={`Show ${key} as a column`}>
                    column
                  </a>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The same for an error: its stack is below the table, as text of several lines. */
export function AttributesWithStack({
  attributes: { 'exception.stacktrace': stack, ...others },
  ...rest
}: TableProps) {
  return (
    <>
      <AttributeTable attributes={others} {...rest} />
      {stack !== undefined && <pre class="stack">{formatValue(stack)}</pre>}
    </>
  );
}
