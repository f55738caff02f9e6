import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_SYSTEM_NAME,
} from '../../config/semantic-conventions.constants.js';
import { type SpanNode, walk } from '../trace-tree.js';

/** The names of before, which other instrumentations still use. */
const FORMER = { system: 'db.system', text: 'db.statement' } as const;

const MAX_STATEMENT = 300;

/** Spans that ask a database or a cache; not those around others that do, nor waits for a connection. */
export function queriesIn(trees: readonly SpanNode[]): SpanNode[] {
  return [...walk(trees)].filter((node) => isQuery(node) && !node.children.some(isQuery));
}

function isQuery({ span: { kind, name, attributes } }: SpanNode): boolean {
  const system = attributes[ATTR_DB_SYSTEM_NAME] ?? attributes[FORMER.system];
  if (kind !== 'client' || system === undefined) return false;
  return attributes[ATTR_DB_CLIENT_CONNECTION_POOL_NAME] === undefined || !/connect|acquire|wait/i.test(name);
}

/** The statement as far as it is recorded. */
export function statementOf({ span: { name, attributes } }: SpanNode): string {
  const text = attributes[ATTR_DB_QUERY_TEXT] ?? attributes[FORMER.text] ?? attributes[ATTR_DB_QUERY_SUMMARY];
  return (typeof text === 'string' ? text : name).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_STATEMENT);
}
