import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { API_ROUTES } from '../../../lib/dashboard/panels/routes.js';

const page = readFileSync(join(__dirname, '../../../docs/dashboard-api.md'), 'utf8');

describe('docs/dashboard-api.md', () => {
  it('lists every address of the API, and no other', () => {
    const documented = [...page.matchAll(/^\| `(GET|POST) \/([^`?]+)/gm)].map(
      ([, method, path]) => `${method ?? ''} ${(path ?? '').replace(/:\w+/g, ':')}`,
    );
    const served = API_ROUTES.map(({ method, segments }) => `${method} ${segments.join('/')}`);
    expect(documented.sort()).toEqual([...served, 'GET stream'].sort());
  });
});
