import { maskLiterals, type SqlDialect } from './mask-literals.js';

/** What a span says of a SQL statement: nothing a user typed into it. */
export interface StatementDescription {
  /** The statement with literals replaced by `?` and white space folded, at most 2,048 characters. */
  readonly text: string;
  /** `SELECT`, `INSERT`, … in capitals. */
  readonly operation: string;
  /** Low-cardinality name: operation and first table, `SELECT users`. */
  readonly summary: string;
}

const MAX_TEXT = 2048;
/** What a statement is scanned for at most: a bulk insert can have megabytes. */
const MAX_SCANNED = 8192;
const MAX_REMEMBERED = 500;

/** Lists of different lengths are one statement. */
const LIST = /\bin\s*\(\s*\?(?:\s*,\s*\?)+\s*\)/gi;
const TABLE =
  /\b(?:from|into|update|join|table)\s+(?:if\s+(?:not\s+)?exists\s+)?(?:only\s+)?((?:"[^"]+"|`[^`]+`|[\w$]+)(?:\.(?:"[^"]+"|`[^`]+`|[\w$]+))*)/i;

const remembered: Readonly<Record<SqlDialect, Map<string, StatementDescription>>> = {
  standard: new Map(),
  mysql: new Map(),
};

/** Describes a statement without its literals. Applications repeat their statements, so descriptions are remembered. */
export function describeStatement(statement: string, dialect: SqlDialect = 'standard'): StatementDescription {
  const descriptions = remembered[dialect];
  const known = descriptions.get(statement);
  if (known !== undefined) return known;
  const description = describe(statement, dialect);
  if (statement.length <= MAX_SCANNED) {
    if (descriptions.size >= MAX_REMEMBERED) descriptions.clear();
    descriptions.set(statement, description);
  }
  return description;
}

function describe(statement: string, dialect: SqlDialect): StatementDescription {
  const text = maskLiterals(statement.slice(0, MAX_SCANNED), dialect)
    .replace(/\s+/g, ' ')
    .replace(LIST, 'IN (?)')
    .trim()
    .slice(0, MAX_TEXT);
  const operation = (/^\W*(\w+)/.exec(text)?.[1] ?? 'QUERY').toUpperCase();
  const table = TABLE.exec(text)?.[1]?.replace(/["`]/g, '');
  return { text, operation, summary: table === undefined ? operation : `${operation} ${table}` };
}
