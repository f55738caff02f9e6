import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

import { checkConfiguration } from '../../lib/cli/doctor/check-configuration.js';
import { environmentVariables } from '../../lib/config/telemetry-options.js';
import { INSTRUMENTATIONS } from '../../lib/instrumentation/registry.js';
import { type Block, blocks, pages } from './read-blocks.js';

const root = resolve(__dirname, '../..');
const inLanguage = (...languages: string[]): Block[] =>
  blocks.filter(({ language }) => languages.includes(language));
const titled = (of: readonly Block[]): [string, Block][] => of.map((block) => [block.title, block]);

/** The names that `entry` exports, which a block may use without an import. */
function exportsOf(program: ts.Program, entry: string): string[] {
  const checker = program.getTypeChecker();
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(join(root, entry))!);
  return checker.getExportsOfModule(symbol!).map(({ name }) => name);
}

/** A script where it exports as CommonJS does, a module otherwise. */
const extensionOf = ({ language, code }: Block): string =>
  language === 'ts' ? 'ts' : code.includes('module.exports') ? 'cjs' : 'mjs';
/** "Parameter implicitly has an 'any' type": JavaScript cannot say it. */
const IMPLICIT_ANY = 7006;

/** Compiles each block as a module that sees the public names of the library and those of application.d.ts. */
function compile(modules: readonly Block[]): ReadonlyMap<Block, string[]> {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    { noEmit: true },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
      },
    },
  )!;
  const options: ts.CompilerOptions = {
    ...config.options,
    checkJs: true,
    allowJs: true,
    noUnusedLocals: false,
  };
  const entries = { 'nestjs-telemetry': 'lib/index.ts', 'nestjs-telemetry/testing': 'lib/testing/index.ts' };
  const library = ts.createProgram(
    Object.values(entries).map((entry) => join(root, entry)),
    options,
  );
  const publicNames = Object.entries(entries).map(([name, entry]) => ({
    name,
    exported: exportsOf(library, entry),
  }));

  const sources = new Map<string, string>();
  const fileOf = new Map<Block, string>();
  for (const [at, block] of modules.entries()) {
    const imported = [...block.code.matchAll(/import (?:type )?\{([^}]*)\}/g)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.trim()),
    );
    const used = new Set(block.code.match(/\b[A-Za-z]\w*\b/g));
    const prelude = publicNames.map(({ name, exported }) => {
      const names = exported.filter((each) => used.has(each) && !imported.includes(each));
      return names.length === 0 ? '' : `import { ${names.join(', ')} } from '${name}';`;
    });
    const file = join(root, 'test/docs', `block-${at}.${extensionOf(block)}`);
    const marker = extensionOf(block) === 'cjs' ? '' : 'export {};';
    sources.set(file, `${prelude.join('')}${marker}\n${block.code}`);
    fileOf.set(block, file);
  }
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  Object.assign(host, {
    fileExists: (file: string) => sources.has(file) || fileExists.call(host, file),
    readFile: (file: string) => sources.get(file) ?? readFile.call(host, file),
    getSourceFile: (
      file: string,
      target: ts.ScriptTarget,
      ...rest: [((message: string) => void)?, boolean?]
    ) => getSourceFile.call(host, file, target, ...rest),
  });
  const program = ts.createProgram({
    rootNames: [join(root, 'test/docs/application.d.ts'), ...sources.keys()],
    options,
    host,
    oldProgram: library,
  });
  return new Map(
    modules.map((block) => {
      const file = program.getSourceFile(fileOf.get(block)!);
      const diagnostics = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
      const problems = diagnostics.filter(({ code }) => block.language === 'ts' || code !== IMPLICIT_ANY);
      return [block, problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))];
    }),
  );
}

/**
 * `OTEL_SERVICE_NAME=orders` of a shell, `{ name: OTEL_SERVICE_NAME, value: orders }` of a Kubernetes manifest, where `$(HOST_IP)`
 * is another variable.
 */
function variablesOf({ language, code }: Block): [name: string, value: string][] {
  if (language === 'sh')
    return [...code.matchAll(/\b((?:OTEL|TELEMETRY|K8S)_[A-Z0-9_]+)=(?:'([^']*)'|"([^"]*)"|(\S*))/g)].map(
      ([, name = '', single = '', double = '', bare = '']) => [name, single || double || bare],
    );
  if (language !== 'yaml') return [];
  const found: [string, string][] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { name, value: set } = value as { name?: unknown; value?: unknown };
    if (typeof name === 'string' && /^(?:OTEL|TELEMETRY|K8S)_/.test(name))
      found.push([name, typeof set === 'string' ? set.replaceAll(/\$\(\w+\)/g, 'localhost') : '']);
    Object.values(value).forEach(visit);
  };
  parseAllDocuments(code).forEach((document) => {
    visit(document.toJS());
  });
  return found;
}

/** What the exporters read for all signals or for one. */
const OF_EXPORTERS =
  /^OTEL_EXPORTER_OTLP_(?:(?:TRACES|METRICS|LOGS)_)?(?:TIMEOUT|COMPRESSION|CERTIFICATE|CLIENT_KEY|CLIENT_CERTIFICATE)$|^OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE$/;

const isRead = (name: string): boolean =>
  OF_EXPORTERS.test(name) || name in environmentVariables(INSTRUMENTATIONS);

describe('the code of README.md, CONTRIBUTING.md and docs/', () => {
  it('is there', () => {
    expect(blocks.length).toBeGreaterThan(25);
    const known = ['ts', 'js', 'json', 'yaml', 'sh', 'sql', 'text'];
    expect(blocks.filter(({ language }) => !known.includes(language)).map(({ title }) => title)).toEqual([]);
  });

  describe('in TypeScript and JavaScript', () => {
    const modules = inLanguage('ts', 'js');
    let problems: ReadonlyMap<Block, string[]>;
    beforeAll(() => {
      problems = compile(modules);
    }, 120_000);

    it.each(titled(modules))('compiles: %s', (_, block) => {
      expect(problems.get(block)).toEqual([]);
    });
  });

  it.each(titled(inLanguage('json')))('is valid JSON: %s', (_, { code }) => {
    expect(typeof JSON.parse(code)).toBe('object');
  });

  it.each(titled(inLanguage('yaml')))('is valid YAML: %s', (_, { code }) => {
    const documents = parseAllDocuments(code);
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    for (const document of documents) expect(typeof document.toJS()).toBe('object');
  });

  it.each(titled(inLanguage('sh')))('can be run in a shell: %s', (_, { code }) => {
    expect(() => execFileSync('bash', ['-n'], { input: code })).not.toThrow();
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const run = [...code.matchAll(/(?<!\w)npm (?:run )?([\w:]+)/g)].map(([, name = '']) => name);
    expect(run.filter((name) => !(name in scripts) && name !== 'install' && name !== 'ls')).toEqual([]);
    const files = [...code.matchAll(/(?:^|\s)node (?!--)(\S+\.mjs)/g)].map(([, file = '']) => file);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  const settings = titled(blocks.filter((block) => variablesOf(block).length > 0));
  it.each(settings)('sets variables that are read, to values that can be used: %s', (_, block) => {
    const variables = variablesOf(block);
    expect(variables.map(([name]) => name).filter((name) => !isRead(name))).toEqual([]);
    const { findings } = checkConfiguration(Object.fromEntries(variables));
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
  });

  const commands = inLanguage('sh').flatMap(({ title, code }) =>
    [...code.replaceAll('\\\n', '').matchAll(/npx nestjs-telemetry (\w+)([^#|>\n]*)/g)].map(
      ([line, command = '', options = '']) => ({ title, line, command, options }),
    ),
  );
  it.each(commands)('calls a command with options that it has: $line', ({ command, options }) => {
    const source = readFileSync(join(root, `lib/cli/${command}-command.ts`), 'utf8');
    const names = [...options.matchAll(/--([\w-]+)/g)].map(([, name = '']) => name);
    expect(names.filter((name) => !source.includes(`--${name}`))).toEqual([]);
  });

  it('is in the sidebar of the site, page by page', () => {
    const sidebar = readFileSync(join(root, 'website/sidebar.mjs'), 'utf8');
    const names = pages.filter((page) => page.startsWith('docs/')).map((page) => page.slice(5, -3));
    expect(names.filter((name) => !sidebar.includes(`'${name}'`))).toEqual([]);
  });

  it('links only to pages and headings that exist', () => {
    const slugOf = (heading: string): string =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-');
    const broken = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8').replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
      return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !/^(https?:|mailto:)/.test(link))
        .filter((link) => {
          const [path = '', anchor] = link.split('#');
          const file = path === '' ? join(root, page) : resolve(root, page, '..', path);
          if (!existsSync(file)) return true;
          if (anchor === undefined) return false;
          const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
            slugOf(heading),
          );
          return !headings.includes(anchor);
        })
        .map((link) => `${page}: ${relative(root, resolve(root, page, '..', link))}`);
    });
    expect(broken).toEqual([]);
  });
});
