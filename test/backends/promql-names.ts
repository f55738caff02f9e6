/** A metric that a query names, and the labels that the query expects on it. */
export interface Named {
  readonly metric: string;
  readonly labels: ReadonlySet<string>;
}

const KEYWORDS = new Set(['by', 'without', 'on', 'ignoring', 'and', 'or', 'unless', 'bool', 'inf', 'nan']);
const NAME = String.raw`[a-zA-Z_:][\w:]*`;

/**
 * The metrics of a query in PromQL, with the labels of their selectors; labels of `by (…)` and `on (…)` belong to all of
 * them. Selectors without a name are not understood.
 */
export function namesIn(query: string): Named[] {
  const bare = query
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    .replace(/\[[^\]]*\]|\boffset\s+\w+/g, '');
  const grouped = new Set<string>();
  const withoutGroups = bare.replace(
    /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g,
    (_, list: string) => {
      for (const label of list.split(',')) if (label.trim() !== '') grouped.add(label.trim());
      return ' ';
    },
  );
  const named: Named[] = [];
  for (const [, metric, after, selector = ''] of withoutGroups.matchAll(
    new RegExp(String.raw`(${NAME})\s*(\(|\{([^}]*)\})?`, 'g'),
  )) {
    if (after === '(' || KEYWORDS.has(metric!.toLowerCase()) || /^\d/.test(metric!)) continue;
    const labels = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!);
    named.push({ metric: metric!, labels: new Set([...labels, ...grouped]) });
  }
  return named;
}
