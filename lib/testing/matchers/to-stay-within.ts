import { type SpanNode, walk } from '../trace-tree.js';
import { BUDGET, type Budget, checkArgument, readProbe } from './check-arguments.js';
import { show } from './compare-values.js';
import { type MatcherResult } from './matcher-result.js';
import { queriesIn, statementOf } from './queries.js';
import { describeTrees } from './to-have-span.js';

const MAX_STATEMENTS = 20;

/** Passes when no bound of the budget is exceeded. */
export function toStayWithin(received: unknown, budget: Budget): MatcherResult {
  const records = readProbe('toStayWithin', received);
  checkArgument('toStayWithin', 'budget', budget, BUDGET);
  const trees = records.trees();
  const queries = queriesIn(trees);
  const used: Required<Budget> = {
    queries: queries.length,
    spans: [...walk(trees)].filter(({ isOpen }) => !isOpen).length,
    ms: Math.max(0, ...trees.map(({ span }) => span.durationMs)),
  };
  const exceeded = (['queries', 'spans', 'ms'] as const).filter(
    (what) => used[what] > (budget[what] ?? Infinity),
  );
  const pass = exceeded.length === 0;
  const lineOf = (what: keyof Budget): string =>
    `  ${what}: at most ${budget[what] ?? Infinity}, used ${round(used[what])}`;
  return {
    pass,
    message: () =>
      [
        `expect(probe)${pass ? '.not' : ''}.toStayWithin(${show(budget)})`,
        '',
        ...(pass
          ? (['queries', 'spans', 'ms'] as const).filter((what) => budget[what] !== undefined)
          : exceeded
        ).map(lineOf),
        '',
        ...(exceeded.includes('queries') ? [describeQueries(queries), ''] : []),
        describeTrees(trees),
      ].join('\n'),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function describeQueries(queries: readonly SpanNode[]): string {
  const counts = new Map<string, number>();
  for (const query of queries) {
    const statement = statementOf(query);
    counts.set(statement, (counts.get(statement) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const left = sorted.length - MAX_STATEMENTS;
  const lines = sorted.slice(0, MAX_STATEMENTS).map(([statement, count]) => `  ${count} × ${statement}`);
  return ['Queries:', ...lines, ...(left > 0 ? [`  … and ${left} other statements`] : [])].join('\n');
}
