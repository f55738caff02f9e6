// Writes the tables of options into docs/configuration.md and README.md, between their markers: `npm run docs:options`.
// `--check` changes nothing and fails when a page is not up to date.
//
// Names, variables and defaults are the declarations in lib/config; the texts are the docstrings of the same options, which
// editors show. Of a docstring the tables have the first paragraph, and what follows `Default` and `Env` at its end.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Everything the tables need from the sources, bundled: Node does not load TypeScript with `.js` specifiers. */
async function loadDeclarations() {
  const file = join(root, `.cache/option-tables/${process.pid}.mjs`);
  mkdirSync(dirname(file), { recursive: true });
  await build({
    stdin: {
      contents: `
        export { environmentVariables, optionDeclarations } from './lib/config/telemetry-options.ts';
        export { listOptions } from './lib/config/declare-options.ts';
        export { clientInstrumentations, INSTRUMENTATIONS } from './lib/instrumentation/registry.ts';`,
      resolveDir: root,
    },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outfile: file,
    logLevel: 'error',
  });
  return import(pathToFileURL(file).href);
}

/** Docstrings of interfaces and of the list of instrumentations: name → member → { text, types }. */
function readDocstrings() {
  const found = new Map();
  const files = ['lib/config', 'lib/instrumentation'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(root, folder, name)),
  );
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    ts.forEachChild(source, (node) => {
      if (ts.isInterfaceDeclaration(node)) found.set(node.name.text, readMembers(node.members, node));
      if (ts.isVariableStatement(node)) {
        const [{ name, initializer }] = node.declarationList.declarations;
        const value = initializer && ts.isAsExpression(initializer) ? initializer.expression : initializer;
        if (value && ts.isObjectLiteralExpression(value))
          found.set(name.getText(), readMembers(value.properties));
      }
    });
  }
  return found;
}

function readMembers(nodes, declaration) {
  const members = new Map();
  for (const node of nodes) {
    const [comment] = ts.getJSDocCommentsAndTags(node);
    const types = new Set();
    const collect = (part) => {
      if (ts.isTypeReferenceNode(part)) types.add(part.typeName.getText());
      ts.forEachChild(part, collect);
    };
    if (node.type) collect(node.type);
    if (node.name)
      members.set(node.name.getText(), { text: ts.getTextOfJSDocComment(comment?.comment) ?? '', types });
  }
  const parents = (declaration?.heritageClauses ?? []).flatMap((clause) => clause.types);
  return { members, parents: parents.map((parent) => parent.expression.getText()) };
}

/** Finds a member of an interface or of one that it extends. */
function memberOf(docs, name, key) {
  const found = docs.get(name);
  if (found === undefined) return undefined;
  return found.members.get(key) ?? found.parents.map((parent) => memberOf(docs, parent, key)).find(Boolean);
}

function docstringOf(docs, path) {
  let places = ['TelemetryOptions'];
  let member;
  for (const key of path.split('.')) {
    member = places.map((place) => memberOf(docs, place, key)).find(Boolean);
    if (member === undefined) throw new Error(`${path}: no docstring found for ${key}`);
    // The options of an instrumentation are inferred from the registry.
    places = [...member.types].map((name) => (name === 'InstrumentationOptions' ? 'INSTRUMENTATIONS' : name));
    places.push(`${key[0].toUpperCase()}${key.slice(1)}InstrumentationOptions`);
  }
  return member.text;
}

const oneLine = (text) => text.trim().replace(/\s+/g, ' ');
const code = (text) => `\`${text}\``;

/** Splits a docstring into meaning, default and the variables it names. */
function parseDocstring(text) {
  const starts = [...text.matchAll(/(?:^|\s)(Default:?|Env)\s/g)];
  const env = starts.findLast(([, word]) => word === 'Env');
  const before = starts.findLast(
    ([, word], index) => word !== 'Env' && (!env || starts[index].index < env.index),
  );
  const end = env?.index ?? text.length;
  const clause = (from, to) =>
    oneLine(text.slice(from.index + from[0].length, to))
      .replace(/\.$/, '')
      .replace(/^(true|false)$/, code('$1'));
  return {
    meaning: oneLine(text.slice(0, before?.index ?? end).split(/\n\s*\n/)[0]),
    otherwise: before === undefined ? '' : clause(before, end),
    named:
      env === undefined ? [] : [...text.slice(env.index).matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  };
}

/** What a docstring says must be what is declared. */
function compare(name, declaration, { meaning, otherwise, named }, variables) {
  const problems = [];
  if (meaning === '') problems.push('has no meaning in its docstring');
  const { default: value } = declaration;
  const written = typeof value === 'number' ? String(value) : code(String(value));
  if (['string', 'number', 'boolean'].includes(typeof value) && !otherwise.startsWith(written))
    problems.push(`has the default ${written}, its docstring says "${otherwise}"`);
  const wrong = named.filter((variable) => !variables.includes(variable));
  if (wrong.length > 0) problems.push(`is not set by ${wrong.join(', ')}, which its docstring names`);
  if (named.length === 0 && Object.keys(declaration.env ?? {}).length > 0)
    problems.push('is set by variables, its docstring names none (Env)');
  if (problems.length > 0) throw new Error(`${name} ${problems.join('; ')}`);
}

function linkTo(page) {
  if (page.startsWith('#')) return `See [spellings](${page}).`;
  return `See [${page.replace(/\.md.*$/, '').replaceAll('-', ' ')}](${page}).`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const { environmentVariables, optionDeclarations, listOptions, clientInstrumentations, INSTRUMENTATIONS } =
  await loadDeclarations();
const docs = readDocstrings();
const listed = listOptions(optionDeclarations(INSTRUMENTATIONS)).map(([name, declaration]) => {
  const nested = listOptions(declaration.fields ?? {}).flatMap(([, { env }]) => Object.keys(env ?? {}));
  const own = Object.keys(declaration.env ?? {});
  const text = parseDocstring(docstringOf(docs, name));
  compare(name, declaration, text, [...own, ...nested]);
  return { name, declaration, own, nested, ...text };
});

function optionTable() {
  const clients = clientInstrumentations().map(([name]) => `instrumentation.${name}`);
  const rows = [];
  for (const { name, declaration, own, meaning, otherwise } of listed) {
    if (clients.includes(name)) continue;
    if (name === 'instrumentation.runtimeMetrics')
      rows.push([
        '`instrumentation.<client>`',
        '`true`',
        '',
        'The calls of one kind of client, for example `http`, `pg` or `redis`; [clients](clients.md) lists the switches.',
      ]);
    const see = declaration.see === undefined ? [] : [linkTo(declaration.see)];
    rows.push([code(name), otherwise, own.map(code).join(', '), [meaning, ...see].join(' ')]);
  }
  return table(['Option', 'Default', 'Variables', 'Meaning'], rows);
}

function variableTable() {
  const rows = Object.entries(environmentVariables(INSTRUMENTATIONS)).map(([name, variable]) => {
    const option = listed.find(({ own }) => own.includes(name));
    const meaning = variable.meaning ?? option?.meaning;
    if (meaning === undefined) throw new Error(`${name} has no meaning and sets no option`);
    const otherwise = variable.otherwise ?? option?.otherwise ?? '';
    return [code(name), meaning, otherwise, option === undefined ? '' : code(option.name)];
  });
  return table(['Variable', 'Meaning', 'Default', 'Option'], rows);
}

/** The options that have an effect without being set, with the options inside of them. */
function summaryTable() {
  const rows = listed
    .filter(
      ({ name, otherwise, declaration }) =>
        !name.includes('.') && otherwise !== 'none' && (otherwise || declaration.fields),
    )
    .map(({ name, declaration, own, nested, otherwise }) => {
      const fields = Object.keys(declaration.fields ?? {});
      const inside = fields.length > 5 ? [...fields.slice(0, 4), '…'] : fields;
      const variables = [...own, ...nested].filter(
        (variable) => !/_OTLP_(TRACES|METRICS|LOGS)_/.test(variable),
      );
      return [
        code(inside.length === 0 ? name : `${name}: { ${inside.join(', ')} }`),
        variables.slice(0, 2).map(code).join(', ') + (variables.length > 2 ? ', …' : ''),
        otherwise,
      ];
    });
  return table(['Option', 'Environment', 'Default'], rows);
}

const PAGES = {
  'docs/configuration.md': { options: optionTable, variables: variableTable },
  'README.md': { summary: summaryTable },
};

const isCheck = process.argv.includes('--check');
for (const [page, tables] of Object.entries(PAGES)) {
  const before = readFileSync(join(root, page), 'utf8');
  let after = before;
  for (const [name, make] of Object.entries(tables)) {
    const [begin, end] = [`<!-- docs:options ${name} -->`, `<!-- /docs:options ${name} -->`];
    const [from, to] = [after.indexOf(begin), after.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${page} has no markers for the table "${name}"`);
    const made = `${begin}\n<!-- prettier-ignore-start -->\n\n${make()}\n\n<!-- prettier-ignore-end -->\n`;
    after = after.slice(0, from) + made + after.slice(to);
  }
  if (after === before) continue;
  if (isCheck) {
    console.error(`${page} is not up to date: run npm run docs:options`);
    process.exitCode = 1;
  } else {
    writeFileSync(join(root, page), after);
    console.log(`wrote ${page}`);
  }
}
