import { useEffect, useRef, useState } from 'preact/hooks';

const SETTLE_MS = 300;

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

interface TextFieldProps extends FieldProps {
  readonly type?: 'text' | 'search';
  readonly placeholder?: string;
  readonly list?: string;
  readonly invalid?: boolean;
}

/** A text field that passes on its value when typing pauses, or immediately on Enter. */
export function TextField({
  label,
  value,
  onChange,
  type = 'text',
  placeholder = label,
  list,
  invalid = false,
}: TextFieldProps) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    setText(value);
    return () => {
      clearTimeout(timer.current);
    };
  }, [value]);
  const say = (next: string, after: number): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      if (next !== value) onChange(next);
    }, after);
  };
  return (
    <input
      type={type}
      class={`field field-${type}`}
      aria-label={label}
      placeholder={placeholder}
      value={text}
      list={list}
      aria-invalid={invalid}
      spellcheck={false}
      autocomplete="off"
      onInput={(event) => {
        setText(event.currentTarget.value);
        say(event.currentTarget.value, SETTLE_MS);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') say(event.currentTarget.value, 0);
      }}
    />
  );
}

interface SelectFieldProps extends FieldProps {
  readonly options: readonly (string | readonly [value: string, text: string])[];
  readonly any?: string;
}

export function SelectField({
  label,
  value,
  onChange,
  options,
  any = `Any ${label.toLowerCase()}`,
}: SelectFieldProps) {
  const pairs = options.map((option) => (typeof option === 'string' ? ([option, option] as const) : option));
  const known = value === '' || pairs.some(([each]) => each === value);
  return (
    <select
      class="field"
      aria-label={label}
      value={value}
      onChange={(event) => {
        onChange(event.currentTarget.value);
      }}
    >
      <option value="">{any}</option>
      {(known ? pairs : [...pairs, [value, value] as const]).map(([each, text]) => (
        <option key={each} value={each}>
          {text}
        </option>
      ))}
    </select>
  );
}
