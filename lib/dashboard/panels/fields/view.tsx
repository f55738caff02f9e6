import { useState } from 'preact/hooks';

import { parseCondition, writeCondition } from '../../reader/field-filter.js';
import { clientOf } from '../../ui/client.js';
import { setQuery } from '../../ui/state.js';
import type { FieldAnswer, FieldsApi } from './query.js';

const fieldsApi = clientOf<FieldsApi>();

interface ConditionFieldProps {
  /** What a key is called here. */
  readonly word: string;
  readonly of: 'traces' | 'logs';
  readonly query: URLSearchParams;
}

const MOST_SUGGESTED = 50;
const OPERATORS = '= != > >= < <= ~ exists';

/** Keys while one is typed, then its values. */
function suggest(fields: readonly FieldAnswer[], text: string): readonly string[] {
  const [, key, operator] = /^\s*([^\s=!<>~]+)\s*(!=|>=|<=|=|>|<|~)/.exec(text) ?? [];
  const values = fields.find((field) => field.key === key)?.values ?? [];
  const all =
    key === undefined || operator === undefined
      ? fields.map((field) => `${field.key} = `)
      : values.map((value) => `${key} ${operator} ${value}`);
  return all.slice(0, MOST_SUGGESTED);
}

/** Takes a condition such as `http.response.status_code >= 500` into the address; shows a message where it is none. */
export function ConditionField({ word, of, query }: ConditionFieldProps) {
  const [text, setText] = useState('');
  const [isWrong, setWrong] = useState(false);
  const [fields, setFields] = useState<readonly FieldAnswer[]>([]);
  const add = (): void => {
    const condition = parseCondition(text);
    setWrong(condition === undefined && text.trim() !== '');
    if (condition === undefined) return;
    const { key, value, operator } = condition;
    // Equality has always been written key:value; addresses that were shared go on to work.
    if (operator === '=')
      setQuery({ attribute: [...new Set([...query.getAll('attribute'), `${key}:${value}`])] });
    else setQuery({ where: [...new Set([...query.getAll('where'), writeCondition(condition)])] });
    setText('');
  };
  const id = `${of}-fields`;
  return (
    <span class="condition">
      <input
        type="text"
        class="field field-attribute"
        aria-label={`${word}, as name = value (or ${OPERATORS}), then Enter`}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? `${id}-wrong` : undefined}
        placeholder={`${word} = value ⏎`}
        title={`Operators: ${OPERATORS}`}
        value={text}
        list={id}
        spellcheck={false}
        autocomplete="off"
        onFocus={() => {
          const service = query.get('service') ?? undefined;
          // Without suggestions it is still a field.
          fieldsApi.get('fields', { of, service }).then(setFields, () => undefined);
        }}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setWrong(false);
        }}
        onBlur={() => {
          setWrong(text.trim() !== '' && parseCondition(text) === undefined);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') add();
        }}
      />
      <datalist id={id}>
        {suggest(fields, text).map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
      {isWrong && (
        <span class="condition-wrong" id={`${id}-wrong`} role="alert">
          Not understood: write name = value, with one of {OPERATORS}; after &gt; and &lt; a number.
        </span>
      )}
    </span>
  );
}
