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

/** Quoted strings (doubled quotes and dollar quoting included), numbers not part of a name or parameter, and comments. */
const LITERALS =
  /'(?:[^']|'')*'?|\$([A-Za-z_]*)\$[\s\S]*?(?:\$\1\$|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|(?<![\w$])\d+(?:\.\d+)?\b/g;
const TABLE =
  /\b(?:from|into|update|join|table)\s+(?:if\s+(?:not\s+)?exists\s+)?(?:only\s+)?("[^"]+"|[\w$.]+)/i;

const remembered = new Map<string, StatementDescription>();

/** Describes a statement without its literals. Applications repeat their statements, so descriptions are remembered. */
export function describeStatement(statement: string): StatementDescription {
  const known = remembered.get(statement);
  if (known !== undefined) return known;
  const description = describe(statement);
  if (statement.length <= MAX_SCANNED) {
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(statement, description);
  }
  return description;
}

function describe(statement: string): StatementDescription {
  const text = statement
    .slice(0, MAX_SCANNED)
    .replace(LITERALS, (literal) => (/^(?:--|\/\*)/.test(literal) ? ' ' : '?'))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_TEXT);
  const operation = (/^\W*(\w+)/.exec(text)?.[1] ?? 'QUERY').toUpperCase();
  const table = TABLE.exec(text)?.[1]?.replaceAll('"', '');
  return { text, operation, summary: table === undefined ? operation : `${operation} ${table}` };
}
