import { findRepeatedStatements } from '../../engine/repeated-statements.js';
import {
  checkArgument,
  readProbe,
  REPEATED_QUERIES,
  type RepeatedQueriesOptions,
} from './check-arguments.js';
import { type MatcherResult } from './matcher-result.js';
import { queriesIn } from './queries.js';
import { describeTrees } from './to-have-span.js';

/** Passes when no handler or method issued the same statement again and again: a query in a loop. */
export function toHaveNoRepeatedQueries(
  received: unknown,
  options: RepeatedQueriesOptions = {},
): MatcherResult {
  const records = readProbe('toHaveNoRepeatedQueries', received);
  checkArgument('toHaveNoRepeatedQueries', 'options', options, REPEATED_QUERIES);
  const trees = records.trees();
  const queries = queriesIn(trees);
  const repeated = findRepeatedStatements(queries, options.times);
  const pass = repeated.length === 0;
  return {
    pass,
    message: () => {
      if (pass)
        return `expect(probe).not.toHaveNoRepeatedQueries()\n\nNone of ${queries.length} queries is repeated.\n\n${describeTrees(trees)}`;
      const lines = repeated.map(({ statement, count, issuedBy = 'code without a span', through }) => {
        const way = through === undefined ? '' : ` through ${through}`;
        return `  ${count} times by ${issuedBy}${way}: ${statement}`;
      });
      return [
        'expect(probe).toHaveNoRepeatedQueries()',
        '',
        'The same statement is issued again and again, probably in a loop that should be one query:',
        ...lines,
        '',
        describeTrees(trees),
      ].join('\n');
    },
  };
}
