import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { EnvironmentVariable } from '../../lib/config/environment.js';
import { ENVIRONMENT_VARIABLES } from '../../lib/config/environment-variables.constants.js';
import { optionNames } from '../../lib/config/option-rules.constants.js';
import { clientInstrumentations, INSTRUMENTATIONS } from '../../lib/instrumentation/registry.js';
import { resolve } from './resolve.js';

/** docs/clients.md lists these. */
const CLIENT_SWITCHES = clientInstrumentations().map(([name]) => `instrumentation.${name}`);
const OPTION_NAMES = optionNames(INSTRUMENTATIONS)
  .filter((name) => !CLIENT_SWITCHES.includes(name))
  .flatMap((name) =>
    name === 'instrumentation.runtimeMetrics' ? ['instrumentation.<client>', name] : [name],
  );
const VARIABLES: [string, EnvironmentVariable][] = Object.entries(ENVIRONMENT_VARIABLES);
const page = readFileSync(join(__dirname, '../../docs/configuration.md'), 'utf8');

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
  it('lists every option, in order, and no other', () => {
    expect(rowsUnder('Options').map(([name]) => name)).toEqual(OPTION_NAMES.map(quoted));
  });

  it('names beside each option the variables that say the same', () => {
    const expected = OPTION_NAMES.map((option) =>
      VARIABLES.filter(([, variable]) => variable.option === option)
        .map(([name]) => quoted(name))
        .join(', '),
    );
    expect(rowsUnder('Options').map((row) => row[2])).toEqual(expected);
  });

  it('lists every variable with meaning, default and option, in order, and no other', () => {
    const expected = VARIABLES.map(([name, { description, default: otherwise, option }]) => [
      quoted(name),
      description,
      otherwise,
      option === undefined ? '' : quoted(option),
    ]);
    expect(rowsUnder('Environment variables')).toEqual(expected);
  });

  it('names only options that exist in the table of variables', () => {
    const named = VARIABLES.map(([, { option }]) => option).filter((option) => option !== undefined);
    expect(named.filter((option) => !OPTION_NAMES.includes(option))).toEqual([]);
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
