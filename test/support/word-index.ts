import { DatabaseSync } from 'node:sqlite';

/** Whether this Node's SQLite can index words. FTS5 came with Node 22.16. */
export const hasWordIndex =
  new DatabaseSync(':memory:').prepare("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").get() !==
  undefined;

/** Describes what needs an index of words; skipped, and its title says why, on a Node that has none. */
export function describeWithWordIndex(title: string, body: () => void): void {
  if (hasWordIndex) describe(title, body);
  else describe.skip(`${title} (SKIPPED: Node ${process.versions.node} has SQLite without FTS5)`, body);
}
