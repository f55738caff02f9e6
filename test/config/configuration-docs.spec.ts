import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { listOptions } from '../../lib/config/declare-options.js';
import { environmentVariables, optionDeclarations } from '../../lib/config/telemetry-options.js';
import { clientInstrumentations, INSTRUMENTATIONS } from '../../lib/instrumentation/registry.js';
import { resolve } from './resolve.js';

/** docs/clients.md lists these. */
const CLIENT_SWITCHES = clientInstrumentations().map(([name]) => `instrumentation.${name}`);
const OPTIONS = listOptions(optionDeclarations(INSTRUMENTATIONS))
  .filter(([name]) => !CLIENT_SWITCHES.includes(name))
  .map(([name, { env = {} }]) => ({ name, variables: Object.keys(env) }))
  .flatMap((option) =>
    option.name === 'instrumentation.runtimeMetrics'
      ? [{ name: 'instrumentation.<client>', variables: [] }, option]
      : [option],
  );
const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');

/** Cells of the table under a heading, without its head. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const quoted = (name: string) => `\`${name}\``;

describe('docs/configuration.md', () => {
  it('is up to date with the declarations, and so is README.md', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/option-tables.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('lists every option, in order, and no other', () => {
    expect(rowsUnder('Options').map(([name]) => name)).toEqual(OPTIONS.map(({ name }) => quoted(name)));
  });

  it('names beside each option the variables that say the same', () => {
    const expected = OPTIONS.map(({ variables }) => variables.map(quoted).join(', '));
    expect(rowsUnder('Options').map((row) => row[2])).toEqual(expected);
  });

  it('lists every variable with meaning, default and option, in order, and no other', () => {
    const rows = rowsUnder('Environment variables');
    expect(rows.map(([name]) => name)).toEqual(
      Object.keys(environmentVariables(INSTRUMENTATIONS)).map(quoted),
    );
    expect(rows.filter(([, meaning, otherwise]) => meaning === '' || otherwise === '')).toEqual([]);
    expect(rows.map((row) => row[3])).toEqual(
      Object.keys(environmentVariables(INSTRUMENTATIONS)).map((variable) => {
        const option = OPTIONS.find(({ variables }) => variables.includes(variable));
        return option === undefined ? '' : quoted(option.name);
      }),
    );
  });

  it('gives for ignored paths the default that holds', () => {
    const row = rowsUnder('Options').find(([name]) => name === quoted('instrumentation.httpServer.ignore'));
    const ignored = resolve().instrumentation.httpServer?.ignore ?? [];
    expect(row?.[1]).toBe(
      ignored
        .filter((path) => !/^\/(metrics$|telemetry)/.test(String(path)))
        .map((path) => quoted(String(path)))
        .join(', '),
    );
  });

  it.each(
    rowsUnder('`jaegerEndpoint`').flatMap(([written = '']) =>
      [...written.matchAll(/`([^`/][^`]+)`/g)].map((match) => match[1]),
    ),
  )('shows the spelling %s, which is accepted', (jaegerEndpoint = '') => {
    const { otlp, jaeger } = resolve({ jaegerEndpoint }).traces;
    expect(otlp.length + jaeger.length).toBe(1);
  });
});
