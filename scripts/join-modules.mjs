// Makes what is published from a build of one file per source. The modules are joined into the few files that Node loads: finding,
// reading and linking some four hundred took two thirds of what importing the library takes. What is loaded on demand stays apart,
// and so do the types, one file per source.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

import { build } from 'esbuild';
import ts from 'typescript';

import { CJS_LOADER, ESM_LOADER, LOADER, LOADER_NAME, loaderByName, nameToPath } from './load-on-demand.mjs';
import { mergeChunks } from './merge-chunks.mjs';
import { readLicenses } from './read-licenses.mjs';

/**
 * OpenTelemetry's packages whose code becomes part of the joined files. Loading their 150 modules took 70 to 85 ms, nearly as long as
 * loading the library's own code. The API is never among them: an application has one, which everything registers with.
 */
const PACKAGES_INSIDE = JSON.parse(readFileSync(new URL('packages-inside.json', import.meta.url), 'utf8'));

const LICENSES = 'licenses.txt';

/** What a process loads the library by. `register` is for applications without NestJS, too. */
const ROOTS = { library: 'index.js', register: 'register.js', sdk: LOADER };

/**
 * The file that a chunk is merged into: the same processes load all that is in it. What loads the SDK stays apart from what the SDK
 * needs: in a bundle, where the SDK is loaded at once, it would need itself.
 *
 * @param roots the names of those that import the chunk
 */
function groupOf(roots, loadsSdk) {
  if (!roots.includes('library')) return roots.includes('sdk') ? 'sdk' : undefined;
  if (roots.length === 1) return 'nest';
  return loadsSdk ? 'start' : 'core';
}

/** Leaves all other packages outside. */
const packagesInside = {
  name: 'packages-inside',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./#]/ }, ({ path, kind }) =>
      kind === 'entry-point' || PACKAGES_INSIDE.includes(path) ? undefined : { path, external: true },
    );
  },
};

/** Writes the modules of the folder `from` into `to` as `entryPoints` and what these share, with their types. */
export async function joinModules(from, to, entryPoints) {
  const { outputFiles, metafile } = await build({
    // The files are the same wherever the build is started.
    absWorkingDir: from,
    entryPoints: [...entryPoints, LOADER].map((file) => join(from, file)),
    plugins: [loaderByName, packagesInside],
    outbase: from,
    outdir: to,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'es2023',
    // NestJS shows classes by name, and a class that is written beside another of its name is renamed.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning',
    // The helpers of TypeScript's decorators look for older ones there.
    logOverride: { 'this-is-undefined-in-esm': 'silent' },
  });
  const texts = new Map(outputFiles.map(({ path, text }) => [path, text]));
  const paths = [...texts.keys()].filter((path) => path.endsWith('.js'));
  const isChunk = (path) =>
    metafile.outputs[relative(from, path).split(sep).join('/')].entryPoint === undefined;
  const merged = await mergeChunks({
    modules: new Map(paths.map((path) => [path, { code: texts.get(path), map: texts.get(`${path}.map`) }])),
    chunks: new Set(paths.filter(isChunk)),
    roots: Object.fromEntries(Object.entries(ROOTS).map(([name, file]) => [name, join(to, file)])),
    groupOf: (roots, imported) => groupOf(roots, imported.includes(LOADER_NAME)),
  });
  for (const [path, { code, map }] of merged) {
    write(path, tidy(code, relative(to, path)));
    write(`${path}.map`, map);
  }
  for (const [path, code] of Object.entries(ESM_LOADER)) write(join(to, path), code);
  copyTypes(from, to);
  write(join(to, LICENSES), readLicenses(PACKAGES_INSIDE));
}

/** Writes joined modules again, as CommonJS, with their types. */
export async function convertToCommonJs(from, to) {
  const onDemand = new Set(Object.keys(ESM_LOADER).map((file) => join(from, file)));
  const { outputFiles, warnings } = await build({
    absWorkingDir: from,
    entryPoints: listFiles(from, '.js').filter((file) => !onDemand.has(file)),
    outbase: from,
    outdir: to,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'es2023',
    // What is loaded on demand is found where everything else is, by require().
    supported: { 'dynamic-import': false },
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  });
  // Of `import.meta`, which is empty there, esbuild only warns.
  if (warnings.length > 0) throw new Error('the library cannot be CommonJS');
  for (const { path, text } of outputFiles) {
    const folder = relative(dirname(path), to).split(sep).join('/');
    write(path, nameToPath(text, folder === '' ? './' : `${folder}/`));
  }
  for (const [path, code] of Object.entries(CJS_LOADER)) write(join(to, path), code);
  copyTypes(from, to);
  copyFileSync(join(from, LICENSES), join(to, LICENSES));
  write(join(to, 'package.json'), '{"type":"commonjs"}\n');
}

function listFiles(folder, extension) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith(extension)).map((file) => join(folder, file));
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function copyTypes(from, to) {
  for (const path of listFiles(from, '.d.ts')) {
    const copy = join(to, relative(from, path));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(path, copy);
  }
}

/** The code without what a process would only hold in memory or run for nothing. No line moves, so the source map stays true. */
function tidy(code, file) {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  const characters = code.split('');
  nameOnlyClasses(source, characters);
  blankComments(source, characters);
  // Spaces that were there before stay: a template literal may have them at the end of a line.
  return characters
    .join('')
    .replace(/ *\0[ \0]*$/gm, '')
    .replaceAll('\0', ' ');
}

function blank(characters, from, to) {
  for (let index = from; index < to; index += 1) if (characters[index] !== '\n') characters[index] = '\0';
}

/** What bundlers read, and where the source map is. */
const READ_BY_TOOLS = /[@#]__(PURE|NO_SIDE_EFFECTS)__|sourceMappingURL=/;

/**
 * Blanks comments: V8 keeps the text of a module as long as the process lives, and with one character beyond Latin-1 in two bytes for each.
 * What they say about the API is in the types.
 */
function blankComments(source, characters) {
  const { text } = source;
  const visit = (node) => {
    for (const { pos, end } of [
      ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
    ]) {
      if (!READ_BY_TOOLS.test(text.slice(pos, end))) blank(characters, pos, end);
    }
    for (const child of node.getChildren(source)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(source);
}

/**
 * Blanks what `keepNames` adds, except for classes that would be called otherwise: naming a function each time it is made
 * costs the hot path more than a name in a stack is worth.
 */
function nameOnlyClasses(source, characters) {
  const visit = (node) => {
    if (isNaming(node)) {
      const [named, { text: name }] = node.arguments;
      if (ts.isExpressionStatement(node.parent) && named.kind !== ts.SyntaxKind.ThisKeyword) {
        blank(characters, node.parent.getStart(), node.parent.end);
      } else if (ts.isClassStaticBlockDeclaration(node.parent?.parent?.parent)) {
        const block = node.parent.parent.parent;
        if (writtenName(block.parent) === name) blank(characters, block.getStart(), block.end);
      } else {
        // The parentheses stay: an arrow function may need them where it stands.
        blank(characters, node.getStart(), node.expression.end);
        blank(characters, named.end, node.end - 1);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/** A number follows where chunks were merged that each import it. */
const NAMING = /^__name\d*$/;

function isNaming(node) {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && NAMING.test(node.expression.text);
}

/** The name of a class without an explicit name: by itself, or by the variable it is the value of. */
function writtenName({ name, parent }) {
  return (name ?? (ts.isVariableDeclaration(parent) ? parent.name : undefined))?.text;
}
