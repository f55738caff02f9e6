import { type JsonValue } from './answers/answer-parts.interface.js';

/** How a value is compared: as text, with `>` and the like as a number, with `~` for a part of it in any case. */
export const FIELD_OPERATORS = ['=', '!=', '>', '>=', '<', '<=', '~', 'exists'] as const;

export type FieldOperator = (typeof FIELD_OPERATORS)[number];

/** A condition of an attribute or field. One that is not there fulfils none, `!=` included. */
export interface FieldFilter {
  readonly key: string;
  /** Compared with the text of the value: `true`, `42`, `GET`; a number with `>` and the like; empty with `exists`. */
  readonly value: string;
  /** Default `=`. */
  readonly operator?: FieldOperator | undefined;
}

const CONDITION = /^\s*([^\s=!<>~]+)\s*(?:(!=|>=|<=|=|>|<|~)\s*(.*?)|\s(exists))\s*$/s;

/** Whether an operator compares numbers. */
export const isNumeric = (operator: FieldOperator): boolean => /^[<>]/.test(operator);

/** Reads `status>=500`, `user_id = ada`, `error exists`; undefined for what is none of these. */
export function parseCondition(text: string): FieldFilter | undefined {
  const [, key, sign, value = '', exists] = CONDITION.exec(text) ?? [];
  const operator = (sign ?? exists) as FieldOperator | undefined; // the pattern has no others
  if (key === undefined || operator === undefined) return undefined;
  if (operator !== 'exists' && value === '') return undefined;
  if (isNumeric(operator) && !Number.isFinite(Number(value))) return undefined;
  return { key, value, operator };
}

/** Writes what `parseCondition()` reads. */
export function writeCondition({ key, value, operator = '=' }: FieldFilter): string {
  return operator === 'exists' ? `${key} exists` : `${key}${operator}${value}`;
}

/** Whether a value fulfils the condition of its key. */
export function fulfils(actual: JsonValue | undefined, { value, operator = '=' }: FieldFilter): boolean {
  if (actual === undefined) return false;
  const text = typeof actual === 'string' ? actual : JSON.stringify(actual);
  if (isNumeric(operator)) return typeof actual === 'number' && compare(actual, operator, Number(value));
  switch (operator) {
    case '!=':
      return text !== value;
    case '~':
      return text.toLowerCase().includes(value.toLowerCase());
    case 'exists':
      return true;
    default:
      return text === value;
  }
}

function compare(actual: number, operator: FieldOperator, limit: number): boolean {
  if (operator === '>' || operator === '>=') return actual > limit || (operator === '>=' && actual === limit);
  return actual < limit || (operator === '<=' && actual === limit);
}
