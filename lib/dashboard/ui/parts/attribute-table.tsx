import type { JsonAttributes } from '../../reader/answers.interface.js';
import { formatValue } from '../format.js';

/** Names and values, sorted by name; each value can become a filter when the caller knows what to filter. */
export function AttributeTable({
  attributes,
  filterAddress,
}: {
  readonly attributes: JsonAttributes;
  /** Where a click on a value leads. */
  readonly filterAddress?: (key: string, value: string) => string;
}) {
  const entries = Object.entries(attributes).sort(([a], [b]) => a.localeCompare(b));
  if (entries.length === 0) return <p class="hint">None.</p>;
  return (
    <table class="attributes">
      <tbody>
        {entries.map(([key, value]) => {
          const text = formatValue(value);
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
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
