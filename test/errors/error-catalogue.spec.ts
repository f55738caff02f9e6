import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ERROR_CATALOGUE, TelemetryError } from '../../lib/errors/telemetry.error.js';

const ROW = /^\| `(TELEMETRY_\w+)` +\| (.+?) +\|/gm;

describe('docs/errors.md', () => {
  const page = readFileSync(join(__dirname, '../../docs/errors.md'), 'utf8');

  it('lists every code of the catalogue with its meaning, in order, and no other', () => {
    expect([...page.matchAll(ROW)].map(([, code, meaning]) => [code, meaning])).toEqual(
      Object.entries(ERROR_CATALOGUE),
    );
  });

  it('has a section for every code', () => {
    const sections = [...page.matchAll(/^## `(\w+)`$/gm)].map(([, code]) => code);
    expect(sections).toEqual(Object.keys(ERROR_CATALOGUE));
  });
});

describe('TelemetryError', () => {
  it('is an Error that carries code, problems and cause', () => {
    const cause = new Error('why');
    const problem = { name: 'sampling', received: '2', setIn: 'forRoot()', remedy: 'Write 1.' };
    const error = new TelemetryError('TELEMETRY_INVALID_OPTIONS', 'wrong', [problem], { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'TelemetryError',
      code: 'TELEMETRY_INVALID_OPTIONS',
      message: 'wrong',
      problems: [problem],
      cause,
    });
  });

  it('has no problems unless they are given', () => {
    expect(new TelemetryError('TELEMETRY_NOT_CONFIGURED', 'x').problems).toEqual([]);
  });
});
