import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import ts from 'typescript';

import { type Block, blocks } from '../docs/read-blocks.js';

const root = resolve(__dirname, '../..');
const program = join(__dirname, 'programs/documented-modules.mjs');

/** Blocks that cannot be run, by what they contain. */
const NOT_RUN: readonly [RegExp, reason: string][] = [
  [/cassandra-driver/, 'it stands for any instrumentation, and is not installed'],
];

interface DocumentedModules {
  readonly title: string;
  /** A module that exports them as `modules`. */
  readonly code: string;
  readonly count: number;
}

/** Whether a statement only prepares what the modules are made with. */
const isPreparation = (statement: ts.Statement): boolean =>
  ts.isImportDeclaration(statement) ||
  ts.isVariableStatement(statement) ||
  ts.isTypeAliasDeclaration(statement);

/** What a block has an application import: the modules made by `TelemetryModule.forRoot()` or `forRootAsync()`, and those beside them. */
function readModules({ title, code }: Block): DocumentedModules | undefined {
  const file = ts.createSourceFile('block.ts', code, ts.ScriptTarget.ESNext, true);
  const calls: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^TelemetryModule\.forRoot(?:Async)?$/.test(node.expression.getText()))
      // Beside others, the application needs those too.
      calls.push(ts.isArrayLiteralExpression(node.parent) ? node.parent.getText() : `[${node.getText()}]`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  if (calls.length === 0) return undefined;
  const prepared = file.statements.filter(isPreparation).map((statement) => statement.getText());
  const prelude = code.includes("from 'nestjs-telemetry'")
    ? ''
    : "import { TelemetryModule } from 'nestjs-telemetry';";
  const source = [prelude, ...prepared, `export const modules = [${calls.join(',\n')}];`].join('\n');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  return { title, code: outputText, count: calls.length };
}

describe('the modules in the code of README.md and docs/', () => {
  const documented = blocks
    .filter(
      ({ language, code }) => ['ts', 'js'].includes(language) && !NOT_RUN.some(([text]) => text.test(code)),
    )
    .flatMap((block) => readModules(block) ?? []);
  let folder: string;
  let results: Readonly<Record<string, number | string>>;

  beforeAll(async () => {
    // Inside the project, whose packages the blocks import.
    mkdirSync(join(root, '.cache'), { recursive: true });
    folder = mkdtempSync(join(root, '.cache/documented-modules-'));
    const files = documented.map(({ code }, index) => {
      const file = join(folder, `${index}.mjs`);
      writeFileSync(file, code);
      return file;
    });
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...files], {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'development', COLLECTOR: 'localhost:4317' },
      maxBuffer: 50_000_000,
    });
    results = JSON.parse(stdout.trim().split('\n').at(-1)!) as typeof results;
  }, 300_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are many', () => {
    expect(documented.length).toBeGreaterThan(25);
  });

  it.each(documented.map((each, index) => [each.title, index, each.count] as const))(
    'start an application, which answers: %s',
    (_title, index, count) => {
      expect(results[`${index}.mjs`]).toBe(count);
    },
  );
});
