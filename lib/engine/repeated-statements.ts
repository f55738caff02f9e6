import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
} from '../config/semantic-conventions.constants.js';

/** A span in its trace, as far as repeated statements are concerned. */
export interface StatementNode {
  readonly span: {
    readonly spanId: string;
    readonly name: string;
    readonly kind: string;
    readonly durationMs: number;
    readonly attributes: Readonly<Record<string, unknown>>;
  };
  readonly parent: StatementNode | undefined;
  readonly children: readonly StatementNode[];
}

/** The same statement several times below one span: probably a loop that should be one query. */
export interface RepeatedStatement {
  readonly statement: string;
  readonly count: number;
  readonly totalMs: number;
  readonly spanIds: readonly string[];
  /** Name of the handler or method that issued them all. */
  readonly issuedBy: string | undefined;
  /** Name of the method by which it did, once for each of them: a repository; undefined where it issued them itself. */
  readonly through?: string | undefined;
}

/** Default: twice may well be meant. */
const MIN_REPEATS = 3;
const FORMER_QUERY_TEXT = 'db.statement';
/** Spans within each other that are looked through. */
const MAX_LEVELS = 100;
/** Characters by which statements are compared. */
const MAX_STATEMENT = 2_000;
/** Begin and end of a transaction are no questions. */
const CONTROL = /^\s*(begin|start transaction|commit|rollback|savepoint|release|set|multi|exec|ping)\b/i;

/** Who issued a statement, and through which methods with their own spans. */
interface Origin {
  readonly issuer: StatementNode | undefined;
  /** Outermost first. */
  readonly through: readonly string[];
}

/** Spans of one statement from one origin. */
interface Group {
  readonly origin: Origin;
  readonly nodes: StatementNode[];
}

/**
 * The same statement, `minRepeats` times or more, issued by the same handler or method; what took longest first.
 *
 * @param queries spans that ask a database or a cache
 */
export function findRepeatedStatements(
  queries: Iterable<StatementNode>,
  minRepeats = MIN_REPEATS,
): readonly RepeatedStatement[] {
  const findOrigin = startOrigins();
  const issuers = new Map<StatementNode | undefined, Map<string, Group>>();
  for (const node of queries) {
    const statement = statementOf(node);
    if (statement === undefined || CONTROL.test(statement)) continue;
    const origin = findOrigin(node);
    const statements = issuers.get(origin.issuer) ?? new Map<string, Group>();
    issuers.set(origin.issuer, statements);
    const key = [...origin.through, statement].join('\n');
    const group = statements.get(key) ?? { origin, nodes: [] };
    statements.set(key, group);
    group.nodes.push(node);
  }
  return [...issuers.values()]
    .flatMap((statements) => [...statements].map(([key, group]) => describe(key, group)))
    .filter(({ count }) => count >= minRepeats)
    .sort((a, b) => b.totalMs - a.totalMs);
}

function describe(key: string, { origin, nodes }: Group): RepeatedStatement {
  return {
    statement: key.slice(key.lastIndexOf('\n') + 1),
    count: nodes.length,
    totalMs: nodes.reduce((sum, { span }) => sum + span.durationMs, 0),
    spanIds: nodes.map(({ span }) => span.spanId),
    issuedBy: origin.issuer && nameOf(origin.issuer.span),
    through: origin.through.at(-1),
  };
}

/** Values are taken out, so that the same question about two rows is the same. */
function statementOf({ span: { attributes, name } }: StatementNode): string | undefined {
  const text =
    attributes[ATTR_DB_QUERY_TEXT] ??
    attributes[FORMER_QUERY_TEXT] ??
    attributes[ATTR_DB_QUERY_SUMMARY] ??
    name;
  return typeof text === 'string' ? withoutValues(text) : undefined;
}

function withoutValues(text: string): string {
  return text
    .slice(0, MAX_STATEMENT)
    .replace(/'(?:[^']|'')*'/g, '?')
    .replace(/(?<![\w$.])\d+(?:\.\d+)?\b/g, '?')
    .replace(/\(\s*\?(?:\s*,\s*\?)+\s*\)/g, '(?)')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * Returns a function that finds who issued a statement. Spans of clients lie between: a pool, an ORM, a transaction. So do methods of a
 * repository that is called in a loop: where a span has siblings of its name, the loop is in their parent.
 */
function startOrigins(): (node: StatementNode) => Origin {
  const repeatedNames = new Map<StatementNode, ReadonlySet<string>>();
  const isInLoop = (node: StatementNode, parent: StatementNode): boolean => {
    const known = repeatedNames.get(parent) ?? repeatedNamesOf(parent.children);
    repeatedNames.set(parent, known);
    return known.has(nameOf(node.span));
  };
  return (node) => {
    let issuer = node.parent;
    for (let level = 0; issuer?.span.kind === 'client' && level < MAX_LEVELS; level += 1)
      issuer = issuer.parent;
    let origin: Origin = { issuer, through: [] };
    const path: string[] = [];
    for (let level = 0; issuer?.span.kind === 'internal' && level < MAX_LEVELS; level += 1) {
      const { parent }: StatementNode = issuer;
      if (parent === undefined) break;
      path.unshift(nameOf(issuer.span));
      if (isInLoop(issuer, parent)) origin = { issuer: parent, through: [...path] };
      issuer = parent;
    }
    return origin;
  };
}

function repeatedNamesOf(nodes: readonly StatementNode[]): ReadonlySet<string> {
  const names = nodes.map(({ span }) => nameOf(span)).sort();
  return new Set(names.filter((name, index) => name === names[index + 1]));
}

function nameOf({ attributes, name }: StatementNode['span']): string {
  const method = attributes[ATTR_CODE_FUNCTION_NAME];
  return typeof method === 'string' ? method : name;
}
