import { compileRoute } from '../../runtime/sampling/compile-route.js';

/** Tells whether a request is not recorded at all, by its path or by the route it matched. */
export type IgnoreRule = (pathOrRoute: string) => boolean;

/** Parameters, named wildcards and optional parts: what makes a path the template of a route. */
const TEMPLATE = /:[A-Za-z_$]|\*.|[{(]/;

/**
 * Compiles ignore rules: strings match exactly, or as a prefix when they end in `*`; templates of routes (`/jobs/:id`)
 * match the paths their router would give them, because Express knows the route too late; regular expressions are tested.
 */
export function compileIgnoreRules(rules: readonly (string | RegExp)[]): IgnoreRule {
  // No Set: a path seldom comes twice as the same text, and hashing it costs more than comparing a few lengths.
  const exact: string[] = [];
  const prefixes: string[] = [];
  const patterns: RegExp[] = [];
  for (const rule of rules) {
    if (rule instanceof RegExp) {
      patterns.push(withoutPosition(rule));
    } else if (TEMPLATE.test(rule)) {
      exact.push(rule);
      patterns.push(compileRoute(rule));
    } else if (rule.endsWith('*')) {
      prefixes.push(rule.slice(0, -1));
    } else {
      exact.push(rule);
    }
  }
  return (path) => {
    if (exact.includes(path)) return true;
    for (const prefix of prefixes) if (path.startsWith(prefix)) return true;
    for (const pattern of patterns) if (pattern.test(path)) return true;
    return false;
  };
}

/** A global or sticky expression remembers where it stopped: every second request would escape the rule. */
function withoutPosition(rule: RegExp): RegExp {
  return new RegExp(rule.source, rule.flags.replace(/[gy]/g, ''));
}
