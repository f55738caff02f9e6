import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
} from '../../../../config/semantic-conventions.constants.js';
import { type SpanAnswer } from '../../../reader/answers.interface.js';
import { type PlacedSpan, walk } from './place-spans.js';
import { timeKindOf } from './time-kinds.js';

/** The same statement several times below one span: probably a loop that should be one query. */
export interface RepeatedStatement {
  readonly statement: string;
  readonly count: number;
  readonly totalMs: number;
  readonly spanIds: readonly string[];
  /** Name of the nearest handler or method that issued them. */
  readonly issuedBy: string | undefined;
}

/** Twice may well be meant. */
const MIN_REPEATS = 3;
const FORMER_QUERY_TEXT = 'db.statement';
/** Spans of clients within each other; in more there is no handler near. */
const MAX_CLIENTS = 100;
/** Characters by which statements are compared. */
const MAX_STATEMENT = 2_000;
/** Begin and end of a transaction are no questions. */
const CONTROL = /^\s*(begin|start transaction|commit|rollback|savepoint|release|set|multi|exec|ping)\b/i;

/** The same statement, three times or more, issued by the same handler or method; what took longest first. */
export function findRepeatedStatements(roots: readonly PlacedSpan[]): readonly RepeatedStatement[] {
  const groups = new Map<PlacedSpan | undefined, Map<string, PlacedSpan[]>>();
  for (const root of roots) {
    for (const node of walk(root)) {
      const statement = statementOf(node);
      if (statement === undefined || CONTROL.test(statement)) continue;
      const issuer = issuerOf(node);
      let statements = groups.get(issuer);
      if (statements === undefined) groups.set(issuer, (statements = new Map<string, PlacedSpan[]>()));
      const known = statements.get(statement);
      if (known === undefined) statements.set(statement, [node]);
      else known.push(node);
    }
  }
  const repeated: RepeatedStatement[] = [];
  for (const [issuer, statements] of groups)
    for (const [statement, nodes] of statements)
      if (nodes.length >= MIN_REPEATS)
        repeated.push({
          statement,
          count: nodes.length,
          totalMs: nodes.reduce((sum, { span }) => sum + span.durationMs, 0),
          spanIds: nodes.map(({ span }) => span.spanId),
          issuedBy: issuer === undefined ? undefined : nameOf(issuer.span),
        });
  return repeated.sort((a, b) => b.totalMs - a.totalMs);
}

/** Undefined for what asks no database. Values are taken out, so that the same question about two rows is the same. */
function statementOf(node: PlacedSpan): string | undefined {
  const kind = timeKindOf(node);
  if (kind !== 'database' && kind !== 'cache') return undefined;
  const { attributes, name } = node.span;
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

/** Spans of clients lie between: a pool, an ORM, a transaction. */
function issuerOf(node: PlacedSpan): PlacedSpan | undefined {
  let { parent } = node;
  for (let level = 0; parent?.span.kind === 'client' && level < MAX_CLIENTS; level += 1)
    ({ parent } = parent);
  return parent;
}

function nameOf({ attributes, name }: SpanAnswer): string {
  const method = attributes[ATTR_CODE_FUNCTION_NAME];
  return typeof method === 'string' ? method : name;
}
