import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as prettier from 'prettier';

import { API_ROUTES } from '../../../lib/dashboard/panels/routes.js';

const file = join(__dirname, '../../../docs/dashboard-api.md');

const STREAM = {
  method: 'GET',
  segments: ['stream'],
  parameters: 'traces&logs',
  doc: '`StreamItem` as lines of JSON (NDJSON), as spans end and lines are written, by any process that stores; without parameters both. A `beat` every ten seconds. At most 20 streams (503).',
};

const table = [
  '| Address | Answer |',
  '| --- | --- |',
  ...[...API_ROUTES, STREAM].map(({ method, segments, parameters, doc }) => {
    const query = parameters === undefined ? '' : `?${parameters}`;
    return `| \`${method} /${segments.join('/')}${query}\` | ${doc} |`;
  }),
].join('\n');

describe('docs/dashboard-api.md', () => {
  // UPDATE_DOCS=1 writes the table.
  it('lists every address of the API, and no other', async () => {
    const page = readFileSync(file, 'utf8');
    const options = await prettier.resolveConfig(file);
    const wanted = await prettier.format(
      page.replace(/\| Address +\| Answer[\s\S]*?\n\n/, () => `${table}\n\n`),
      { ...options, parser: 'markdown' },
    );
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, wanted);
    else expect(page).toBe(wanted);
  });
});
