import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import ts from 'typescript';

type Format = 'esm' | 'cjs';

export interface BuiltExporters {
  /**
   * Runs statements in a Node process of their own, which find what makes exporters in scope.
   *
   * @returns what the statements print as JSON with `print(value)`
   */
  run(source: string): Promise<unknown>;
  remove(): Promise<void>;
}

/**
 * Compiles the library with the settings of the real build into a folder of their own, inside the project so that its
 * dependencies are found: what a jest test loads goes through jest's module system and proves nothing about Node's.
 */
export async function buildExporters(format: Format): Promise<BuiltExporters> {
  await mkdir('.cache', { recursive: true });
  const folder = await mkdtemp(join(process.cwd(), '.cache', `exporters-${format}-`));
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }),
  );
  const files = (await readdir('lib', { recursive: true })).filter((name) => /(?<!\.d)\.ts$/.test(name));
  for (const file of files) {
    const source = await readFile(join('lib', file), 'utf8');
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, compile(source, file, format));
  }
  return {
    run: (source) => runIn(folder, format, source),
    remove: () => rm(folder, { recursive: true }),
  };
}

function compile(source: string, fileName: string, format: Format): string {
  const { config } = ts.readConfigFile('tsconfig.base.json', (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: Record<string, unknown> };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.');
  const module = format === 'esm' ? ts.ModuleKind.ES2022 : ts.ModuleKind.CommonJS;
  return ts.transpileModule(source, { fileName, compilerOptions: { ...options, module, sourceMap: false } })
    .outputText;
}

const SCOPE = {
  './exporters/create-pipelines.js': [
    'createSpanProcessors',
    'createMetricReaders',
    'createLogRecordProcessors',
  ],
};

async function runIn(folder: string, format: Format, source: string): Promise<unknown> {
  const imports = Object.entries(SCOPE).map(([path, names]) =>
    format === 'esm'
      ? `import { ${names.join()} } from '${path}';`
      : `const { ${names.join()} } = require('${path}');`,
  );
  const program = [
    ...imports,
    'const print = (value) => process.stdout.write(JSON.stringify(value));',
    `(async () => {${source}})().catch((error) => { console.error(error); process.exitCode = 1; });`,
  ];
  await writeFile(join(folder, 'program.js'), program.join('\n'));
  await writeFile(join(folder, 'record-modules.cjs'), RECORD_MODULES);
  const child = spawn(process.execPath, ['--require', './record-modules.cjs', 'program.js'], { cwd: folder });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`exit code ${String(code)}: ${errors}`);
  return JSON.parse(output);
}

/** Node's own hook tells of every module, whether it is imported or required. */
const RECORD_MODULES = `
const modules = new Set();
require('node:module').registerHooks({
  load(url, context, nextLoad) {
    modules.add(url);
    return nextLoad(url, context);
  },
});
globalThis.loadedPackages = () => [...modules]
  .map((url) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(url)?.[1])
  .filter((name, index, names) => name !== undefined && names.indexOf(name) === index)
  .sort();
`;
