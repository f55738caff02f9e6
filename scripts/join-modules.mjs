// Joins the modules of a build into the few files that Node loads: finding, reading and linking some four hundred took two thirds of
// what importing the library takes. What is loaded on demand stays apart, and so do the types, one file per source.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { build } from 'esbuild';
import ts from 'typescript';

/** Replaces the `.js` files below `out` by those of `entryPoints` and what these share; the entry points keep their places. */
export async function joinModules(out, entryPoints) {
  const { outputFiles } = await build({
    entryPoints: entryPoints.map((file) => join(out, file)),
    outbase: out,
    outdir: out,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    packages: 'external',
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
  for (const file of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    if (/\.js(\.map)?$/.test(file)) rmSync(join(out, file));
  }
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path.endsWith('.js') ? nameOnlyClasses(text, relative(out, path)) : text);
  }
}

/**
 * Blanks what `keepNames` adds, except for classes that would be called otherwise: naming a function each time it is made
 * costs the hot path more than a name in a stack is worth. Nothing moves, so the source map stays true.
 */
function nameOnlyClasses(code, file) {
  const characters = code.split('');
  const blank = (from, to) => characters.fill(' ', from, to);
  const visit = (node) => {
    if (isNaming(node)) {
      const [named, { text: name }] = node.arguments;
      if (ts.isExpressionStatement(node.parent) && named.kind !== ts.SyntaxKind.ThisKeyword) {
        blank(node.parent.getStart(), node.parent.end);
      } else if (ts.isClassStaticBlockDeclaration(node.parent?.parent?.parent)) {
        const block = node.parent.parent.parent;
        if (writtenName(block.parent) === name) blank(block.getStart(), block.end);
      } else {
        // The parentheses stay: an arrow function may need them where it stands.
        blank(node.getStart(), node.expression.end);
        blank(named.end, node.end - 1);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, code, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS));
  return characters.join('');
}

function isNaming(node) {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === '__name';
}

/** What a class is called where nobody names it: by itself, or by the variable it is the value of. */
function writtenName({ name, parent }) {
  return (name ?? (ts.isVariableDeclaration(parent) ? parent.name : undefined))?.text;
}
