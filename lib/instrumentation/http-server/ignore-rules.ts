/** Tells whether a request is not recorded at all, by its path or by the route it matched. */
export type IgnoreRule = (pathOrRoute: string) => boolean;

/** Compiles ignore rules: strings match exactly, or as a prefix when they end in `*`; regular expressions are tested. */
export function compileIgnoreRules(rules: readonly (string | RegExp)[]): IgnoreRule {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  const patterns: RegExp[] = [];
  for (const rule of rules) {
    if (rule instanceof RegExp) patterns.push(withoutPosition(rule));
    else if (rule.endsWith('*')) prefixes.push(rule.slice(0, -1));
    else exact.add(rule);
  }
  return (path) =>
    exact.has(path) ||
    prefixes.some((prefix) => path.startsWith(prefix)) ||
    patterns.some((pattern) => pattern.test(path));
}

/** A global or sticky expression remembers where it stopped: every second request would escape the rule. */
function withoutPosition(rule: RegExp): RegExp {
  return new RegExp(rule.source, rule.flags.replace(/[gy]/g, ''));
}
