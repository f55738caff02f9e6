interface ChipsProps {
  readonly values: readonly string[];
  readonly onRemove: (value: string) => void;
  readonly label: string;
}

/** Filters that are on, each with the way to take it off. */
export function Chips({ values, onRemove, label }: ChipsProps) {
  if (values.length === 0) return null;
  return (
    <ul class="chips" aria-label={label}>
      {values.map((value) => (
        <li key={value}>
          <span>{value.replace(':', ' = ')}</span>
          <button
            type="button"
            aria-label={`Remove ${value}`}
            onClick={() => {
              onRemove(value);
            }}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
