import { setQuery } from '../state.js';

interface ChipsProps {
  readonly query: URLSearchParams;
  /** Parameters of the address that have no field, and are shown with their name: `traceId`. */
  readonly named: readonly string[];
  readonly label: string;
}

/** Filters that are on and have no field, conditions among them, each with the way to take it off. */
export function Chips({ query, named, label }: ChipsProps) {
  const chips = [...named, 'attribute', 'where'].flatMap((name) =>
    query
      .getAll(name)
      .map((value) => ({ name, value, text: named.includes(name) ? `${name}:${value}` : value })),
  );
  if (chips.length === 0) return null;
  return (
    <ul class="chips" aria-label={label}>
      {chips.map(({ name, value, text }) => (
        <li key={`${name} ${value}`}>
          {/* A condition has its operator. */}
          <span>{name === 'where' ? text : text.replace(':', ' = ')}</span>
          <button
            type="button"
            aria-label={`Remove ${text}`}
            onClick={() => {
              setQuery({ [name]: query.getAll(name).filter((each) => each !== value) });
            }}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
