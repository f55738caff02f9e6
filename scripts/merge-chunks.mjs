// Merges the chunks that are always loaded together. A bundler makes a chunk for each set of entry points that share its modules, and
// each import() is an entry point: most of the forty chunks that the start loads were apart for the sake of what it does not load.
// Finding, reading and linking these took 12 to 22 ms.
import { basename, dirname, join, relative, sep } from 'node:path';

import { build } from 'esbuild';
import ts from 'typescript';

/**
 * Returns the modules of a build with some of its chunks merged, and with the imports of the others changed to that.
 *
 * @param modules the code of each module and chunk with its source map, by its path
 * @param chunks the paths of the chunks
 * @param roots the paths of modules by which a process loads others, by name
 * @param groupOf returns the name of what a chunk is merged into, or undefined. It is given the names of the roots that import the
 *   chunk, and all that the chunk imports, in the words of the modules that do
 */
export async function mergeChunks({ modules, chunks, roots, groupOf }) {
  const imports = new Map([...modules].map(([path, { code }]) => [path, listImports(path, code)]));
  const reached = Object.entries(roots).map(([name, path]) => [name, reachedFrom(path, imports)]);
  const groups = new Map();
  for (const path of new Set(reached.flatMap(([, paths]) => [...paths]))) {
    if (!chunks.has(path)) continue;
    const importers = reached.filter(([, paths]) => paths.has(path)).map(([name]) => name);
    const imported = [...reachedFrom(path, imports)].flatMap((each) => imports.get(each));
    const name = groupOf(importers, imported);
    if (name !== undefined) groups.set(name, [...(groups.get(name) ?? []), path]);
  }
  const merged = new Map(modules);
  for (const [name, members] of groups) {
    await mergeGroup(merged, members, join(dirname(members[0]), `${name}.js`));
  }
  return merged;
}

/** The paths of what a module imports, and itself: each after those that it imports. */
function reachedFrom(root, imports) {
  const reached = new Set();
  const entered = new Set();
  const visit = (path) => {
    if (entered.has(path)) return;
    entered.add(path);
    for (const specifier of imports.get(path)) {
      const from = join(dirname(path), specifier);
      if (imports.has(from)) visit(from);
    }
    reached.add(path);
  };
  visit(root);
  return reached;
}

/** Replaces the members by one module at `target`. */
async function mergeGroup(modules, members, target) {
  const others = [...modules].filter(([path]) => !members.includes(path));
  const wanted = others
    .flatMap(([path, { code }]) => findImports(path, code))
    .filter(({ from }) => members.includes(from))
    .flatMap(({ from, names }) => names.map(({ text }) => ({ from, name: text })));
  const module = await bundleGroup(modules, members, wanted, target);
  for (const path of members) modules.delete(path);
  modules.set(target, module);
  for (const [path, { code, map }] of others) {
    modules.set(path, { code: redirectImports(path, code, members, target), map });
  }
}

async function bundleGroup(modules, members, wanted, target) {
  const exported = new Map(wanted.map(({ from, name }) => [exportedName(from, name), { from, name }]));
  const contents = [
    ...members.map((path) => `import ${quotePath(path, target)};`),
    ...[...exported].map(
      ([alias, { from, name }]) => `export { ${name} as ${alias} } from ${quotePath(from, target)};`,
    ),
  ];
  const { outputFiles } = await build({
    absWorkingDir: dirname(target),
    stdin: { contents: contents.join('\n'), resolveDir: dirname(target), sourcefile: 'members.js' },
    plugins: [onlyMembers(modules, members)],
    outfile: target,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'es2023',
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const [map, code] = ['.js.map', '.js'].map(
    (end) => outputFiles.find(({ path }) => path.endsWith(end)).text,
  );
  return { code, map };
}

/** Bundles the members, each with its source map, and leaves all else outside. */
function onlyMembers(modules, members) {
  return {
    name: 'only-members',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^/ }, ({ path, resolveDir }) => {
        const file = join(resolveDir, path);
        return members.includes(file) ? { path: file } : { path, external: true };
      });
      onLoad({ filter: /^/ }, ({ path }) => {
        const { code, map } = modules.get(path);
        const inline = `data:application/json;base64,${Buffer.from(map).toString('base64')}`;
        return { contents: code.replace(/(\/\/# sourceMappingURL=).*/, `$1${inline}`), loader: 'js' };
      });
    },
  };
}

/** Two members may export the same name. */
function exportedName(from, name) {
  return `${name}_${basename(from, '.js').replaceAll(/\W/g, '_')}`;
}

/** The code with what it imported from members imported from `target`. No line moves, so the source map stays true. */
function redirectImports(path, code, members, target) {
  const changes = [];
  for (const { from, names, specifier } of findImports(path, code)) {
    if (!members.includes(from)) continue;
    changes.push([specifier.getStart(), specifier.end, quotePath(target, path)]);
    for (const name of names) {
      const alias = exportedName(from, name.text);
      // `{ a as b }` has the name apart, `{ a }` is both names.
      const isBoth = name.parent.propertyName === undefined;
      changes.push([name.getStart(), name.end, isBoth ? `${alias} as ${name.text}` : alias]);
    }
  }
  changes.sort(([a], [b]) => b - a);
  return changes.reduce((text, [start, end, by]) => text.slice(0, start) + by + text.slice(end), code);
}

function quotePath(path, importer) {
  const way = relative(dirname(importer), path).split(sep).join('/');
  return JSON.stringify(way.startsWith('.') ? way : `./${way}`);
}

/** The statements by which a module imports others; import() is no part of them. */
function importStatements(path, code) {
  const { statements } = ts.createSourceFile(path, code, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  return statements.filter(({ moduleSpecifier }) => moduleSpecifier !== undefined);
}

function listImports(path, code) {
  return importStatements(path, code).map(({ moduleSpecifier }) => moduleSpecifier.text);
}

/** What a module imports from others by relative paths. */
function findImports(path, code) {
  return importStatements(path, code)
    .filter(({ moduleSpecifier }) => moduleSpecifier.text.startsWith('.'))
    .map(({ importClause, moduleSpecifier: specifier }) => {
      const bindings = importClause?.namedBindings;
      if (bindings !== undefined && !ts.isNamedImports(bindings))
        throw new Error(`${path} imports a namespace`);
      const names = (bindings?.elements ?? []).map(({ name, propertyName }) => propertyName ?? name);
      return { from: join(dirname(path), specifier.text), names, specifier };
    });
}
