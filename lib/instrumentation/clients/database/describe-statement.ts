/** What a span says of a SQL statement: nothing a user typed into it. */
export interface StatementDescription {
  /**
   * The statement with literals replaced by `?` and white space folded, at most 2,048 characters.
   */
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

/**
 * Describes a statement without its literals. Applications repeat their statements, so descriptions
 * are remembered.
 */
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

/**
 * How a database reads quotes: in MySQL `"…"` is a text and `\` escapes, in standard SQL `"…"` is a
 * name.
 */
export type SqlDialect = 'standard' | 'mysql';

/** Characters that are copied without a closer look. */
const PLAIN = /[^'"`$#/\-.\d;\n\p{L}_]+/uy;
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
/** Also what is none of any dialect, such as `12ab`. */
const NUMBER = /\.?\d(?:[\p{L}\p{N}_.]|(?<=[eE])[+-](?=\d))*/uy;
const DOLLAR_TAG = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const PARAMETER = /\$\d*/y;
const END_OF_LINE = /[\r\n]/g;
const COMMENT_MARK = /\/\*|\*\//g;
/**
 * Letters in front of a quote that belong to the literal: `E'…'`, `N'…'`, `X'…'`, `B'…'`, `U&'…'`.
 */
const LITERAL_PREFIX = /^(?:[enxb]|u&)$/i;

/**
 * A SQL statement with a `?` for each literal, and a space for each comment. Where it is not
 * certain where a literal ends, the rest of the statement is left out. Linear in the length of the
 * statement.
 */
export function maskLiterals(statement: string, dialect: SqlDialect): string {
  return new LiteralMask(statement, dialect === 'mysql').run();
}

class LiteralMask {
  private at = 0;
  private masked = '';
  private readonly copiesData: boolean;
  private dataFollows = false;

  constructor(
    private readonly sql: string,
    private readonly isMysql: boolean,
  ) {
    this.copiesData = !isMysql && /\bcopy\b/i.test(sql);
  }

  run(): string {
    while (this.at < this.sql.length) this.next();
    return this.masked;
  }

  private next(): void {
    const { sql, at } = this;
    const plain = match(PLAIN, sql, at);
    if (plain !== undefined) {
      this.copy(plain.length);
      return;
    }
    switch (sql.charAt(at)) {
      case "'":
        this.text("'", this.isMysql);
        return;
      case '"':
        if (this.isMysql) this.text('"', true);
        else this.name('"');
        return;
      case '`':
        this.name('`');
        return;
      case '$':
        this.dollar();
        return;
      case '-':
        this.dashes();
        return;
      case '#':
        if (this.isMysql) this.lineComment();
        else this.copy(1);
        return;
      case '/':
        if (sql.startsWith('/*', at)) this.blockComment();
        else this.copy(1);
        return;
      case ';':
      case '\n':
        // The rows of COPY … FROM stdin follow.
        if (this.dataFollows) this.stop();
        else this.copy(1);
        return;
      default:
        this.wordOrNumber();
    }
  }

  private wordOrNumber(): void {
    const number = match(NUMBER, this.sql, this.at);
    const word = number ?? match(WORD, this.sql, this.at);
    if (number !== undefined) this.replace(number.length, '?');
    else if (word === undefined) this.copy(1);
    else if (!this.literalAfter(word)) {
      if (this.copiesData && word.toLowerCase() === 'stdin') this.dataFollows = true;
      this.copy(word.length);
    }
  }

  /** A literal whose quote has a prefix. */
  private literalAfter(word: string): boolean {
    const { sql, at } = this;
    const prefix = word.length === 1 && sql.startsWith("&'", at + 1) ? `${word}&` : word;
    if (!LITERAL_PREFIX.test(prefix) || sql.charAt(at + prefix.length) !== "'") return false;
    this.at += prefix.length;
    this.text("'", this.isMysql || /^e$/i.test(prefix));
    return true;
  }

  private text(quote: string, escapes: boolean): void {
    const { sql } = this;
    let end = this.at + 1;
    for (;;) {
      end = sql.indexOf(quote, end);
      if (end === -1) {
        this.cut();
        return;
      }
      const isEscaped = hasOddBackslashes(sql, this.at + 1, end);
      if (isEscaped && escapes) end += 1;
      else if (sql.charAt(end + 1) === quote) end += 2;
      else if (isEscaped && end - this.at > 2) {
        // With `standard_conforming_strings` off the literal goes on. `'\'`, as in LIKE … ESCAPE
        // '\', is a whole one.
        this.cut();
        return;
      } else break;
    }
    this.replace(end + 1 - this.at, '?');
  }

  private name(quote: string): void {
    const { sql, at } = this;
    let end = sql.indexOf(quote, at + 1);
    while (end !== -1 && sql.charAt(end + 1) === quote) end = sql.indexOf(quote, end + 2);
    if (end === -1) this.stop();
    else this.copy(end + 1 - at);
  }

  private dollar(): void {
    const { sql, at } = this;
    const tag = this.isMysql ? undefined : match(DOLLAR_TAG, sql, at);
    if (tag === undefined) {
      this.copy(match(PARAMETER, sql, at)?.length ?? 1);
      return;
    }
    const end = sql.indexOf(tag, at + tag.length);
    if (end === -1) this.cut();
    else this.replace(end + tag.length - at, '?');
  }

  private dashes(): void {
    const { sql, at } = this;
    const isComment = sql.startsWith('--', at) && (!this.isMysql || !/[^\s]/.test(sql.charAt(at + 2)));
    if (isComment) this.lineComment();
    else this.copy(1);
  }

  private lineComment(): void {
    END_OF_LINE.lastIndex = this.at;
    const end = END_OF_LINE.exec(this.sql)?.index ?? this.sql.length;
    this.replace(end - this.at, ' ');
  }

  /** PostgreSQL nests comments; where others do not, more is left out than has to be. */
  private blockComment(): void {
    let depth = 0;
    COMMENT_MARK.lastIndex = this.at;
    for (let mark = COMMENT_MARK.exec(this.sql); mark !== null; mark = COMMENT_MARK.exec(this.sql)) {
      depth += mark[0] === '/*' ? 1 : -1;
      if (depth > 0) continue;
      this.replace(COMMENT_MARK.lastIndex - this.at, ' ');
      return;
    }
    this.stop();
  }

  private copy(length: number): void {
    this.masked += this.sql.slice(this.at, this.at + length);
    this.at += length;
  }

  private replace(length: number, by: string): void {
    this.masked += by;
    this.at += length;
  }

  /** A literal that ends nowhere, or nowhere that is certain. */
  private cut(): void {
    this.replace(this.sql.length - this.at, '?');
  }

  private stop(): void {
    this.at = this.sql.length;
  }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function hasOddBackslashes(text: string, from: number, at: number): boolean {
  let count = 0;
  while (at - count > from && text.charAt(at - count - 1) === '\\') count += 1;
  return count % 2 === 1;
}
