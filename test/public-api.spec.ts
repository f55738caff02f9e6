import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import ts from 'typescript';

const root = resolve(__dirname, '..');
const entries = ['lib/index.ts', 'lib/testing/index.ts'];

interface PublicSymbol {
  readonly name: string;
  readonly documentation: string;
  readonly isValue: boolean;
}

function readPublicSymbols(): PublicSymbol[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    entries.map((entry) => join(root, entry)),
    { ...options, noEmit: true },
  );
  const checker = program.getTypeChecker();
  return entries.flatMap((entry) => {
    const source = program.getSourceFile(join(root, entry));
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${entry} is not a module`);
    return checker.getExportsOfModule(module).map((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      return {
        name: exported.name,
        documentation: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
        isValue: (symbol.flags & ts.SymbolFlags.Value) !== 0,
      };
    });
  });
}

function textUnder(folder: string): string {
  return readdirSync(folder)
    .filter((name) => name !== 'node_modules' && name !== 'public-api.spec.ts')
    .map((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return textUnder(path);
      return /\.(ts|mjs|cjs)$/.test(name) ? readFileSync(path, 'utf8') : '';
    })
    .join('\n');
}

describe('the public API', () => {
  const symbols = readPublicSymbols();
  const tests = textUnder(join(root, 'test'));
  const documents = ['README.md', 'docs/configuration.md', 'docs/errors.md', 'docs/testing.md']
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const mentions = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);

  it('is what it was meant to be', () => {
    expect(
      symbols
        .filter(({ isValue }) => isValue)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'Annotate',
      'BaseService',
      'Counted',
      'InjectTelemetry',
      'Observed',
      'SpanAttribute',
      'TELEMETRY',
      'TELEMETRY_HANDLE',
      'TELEMETRY_MODULE_OPTIONS',
      'TELEMETRY_OPTIONS',
      'TelemetryError',
      'TelemetryHealthIndicator',
      'TelemetryModule',
      'TelemetryProbe',
      'TelemetryService',
      'TelemetrySpan',
      'TelemetryTestingModule',
      'Timed',
      'Trace',
      'annotate',
      'attachTraceContext',
      'configureTelemetry',
      'createTelemetryProbe',
      'detachTraceContext',
      'disabledTelemetry',
      'extractTraceContext',
      'getCurrentSpanId',
      'getCurrentTraceId',
      'getTelemetry',
      'injectTraceContext',
      'instrument',
      'instrumentAll',
      'instrumentExpress',
      'instrumentFastify',
      'instrumentHttp',
      'instrumentMongodb',
      'instrumentMysql',
      'instrumentPg',
      'instrumentRedis',
      'telemetryMatchers',
      'telemetrySerializer',
      'withTraceContext',
    ]);
  });

  it('has a docstring on every symbol, types too', () => {
    expect(symbols.filter(({ documentation }) => documentation === '').map(({ name }) => name)).toEqual([]);
  });

  it('has every function, class and constant in a test', () => {
    const untested = symbols.filter(({ isValue, name }) => isValue && !mentions(tests, name));
    expect(untested.map(({ name }) => name)).toEqual([]);
  });

  it('has every function, class and constant in the documentation', () => {
    const exempt = new Set([
      'TelemetrySpan',
      'TELEMETRY', // the name of before, as the next
      'TELEMETRY_OPTIONS',
      'TELEMETRY_MODULE_OPTIONS',
      'disabledTelemetry',
    ]);
    const missing = symbols.filter(
      ({ isValue, name }) => isValue && !exempt.has(name) && !mentions(documents, name),
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
