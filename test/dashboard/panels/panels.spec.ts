import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(__dirname, '../../../lib/dashboard/panels');
const panels = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const importedBy = (list: string, file: string): readonly string[] =>
  [...readFileSync(join(folder, list), 'utf8').matchAll(new RegExp(`'\\./(\\w+)/${file}\\.js'`, 'g'))].map(
    ([, name]) => name!,
  );

/** Copied from the views of errors, routes and traces. */
const WITHOUT_VIEW = ['prompt', 'curl'];

describe('the panels of the dashboard', () => {
  it('each have a query, routes and a view', () => {
    for (const name of panels)
      for (const file of ['query.ts', 'route.ts', ...(WITHOUT_VIEW.includes(name) ? [] : ['view.tsx'])])
        expect([name, file, existsSync(join(folder, name, file))]).toEqual([name, file, true]);
  });

  it('are all answered by the server and shown by the page', () => {
    expect([...importedBy('routes.ts', 'route')].sort()).toEqual([...panels].sort());
    // The selection opens beside the others, by app.tsx, and fields are suggested within the searches.
    const within = ['selection', 'fields', ...WITHOUT_VIEW];
    expect([...importedBy('views.ts', 'view'), ...within].sort()).toEqual([...panels].sort());
  });
});
