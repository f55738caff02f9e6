// Bundles lib/dashboard/ui into the files of the page, and writes them as a module where the server looks for them. The page has to be
// found from an ESM and a CommonJS build alike, and from a bundle: as strings of a module it always is.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';

import { build } from 'esbuild';
import { minify as shortenScript } from 'terser';

import { readLicenses } from './read-licenses.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const ui = join(root, 'lib/dashboard/ui');

/** What the whole page may cost, gzipped. */
const BUDGET_BYTES = 120_000;

/** What a first visit of the overview may cost of it. */
const FIRST_VISIT_BYTES = 75_000;

const CONTENT_TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** What some views share beside the parts, below `lib/dashboard`. Compressed with these it is smaller than in files of its own. */
const SHARED = [
  'get-or-add.ts',
  'panels/fields/view.tsx',
  'panels/overview/view/describe-finding.ts',
  'panels/profiles/view/download.tsx',
  'panels/trace/view/kind-words.ts',
];

/**
 * Keeps what views share in one file: esbuild makes a file for each set of views that share a module, which would be twenty small ones.
 * So each view imports all parts and the page around it. Charts stay apart, because not every view has one.
 */
const shareParts = {
  name: 'share-parts',
  setup({ onLoad }) {
    const parts = join(ui, 'parts');
    const shared = [
      join(ui, 'app.tsx'),
      ...readdirSync(parts)
        .sort()
        .map((name) => join(parts, name)),
      ...SHARED.map((path) => join(ui, '..', path)),
    ];
    const imports = shared.map((path) => `import ${JSON.stringify(path)};`).join('');
    onLoad({ filter: /[\\/]panels[\\/][^\\/]+[\\/]view\.tsx$/ }, ({ path }) => ({
      contents: imports + readFileSync(path, 'utf8'),
      loader: 'tsx',
    }));
  },
};

/**
 * Of the package of semantic conventions the page needs names. Its former lists are made by calls, which stay in a bundle as
 * `ignoreAnnotations` keeps esbuild from reading that they do nothing else: some 3 kB.
 */
const namesOnly = {
  name: 'names-only',
  setup({ onLoad }) {
    onLoad({ filter: /semantic-conventions[\\/]dist[\\/]index\.mjs$/ }, ({ path }) => ({
      contents: ['attributes', 'metrics'].map((names) => `export * from "./stable_${names}.mjs";`).join(''),
      resolveDir: dirname(path),
    }));
  },
};

function checkWeight(what, files, budget) {
  const bytes = files.reduce((sum, { gzip }) => sum + gzip.length, 0);
  if (bytes > budget) throw new Error(`${what} takes ${bytes} bytes gzipped, more than the ${budget} it may`);
}

/** The names of the scripts that are needed to run what is bundled from the entries. */
function scriptsOf({ outputs }, ...entries) {
  const isEntry = ({ entryPoint }) => entries.some((entry) => entryPoint?.endsWith(entry));
  const open = Object.keys(outputs).filter((path) => isEntry(outputs[path]));
  const paths = new Set(open);
  for (let path = open.pop(); path; path = open.pop()) {
    for (const { path: imported, kind } of outputs[path].imports) {
      if (kind !== 'import-statement' || paths.has(imported)) continue;
      paths.add(imported);
      open.push(imported);
    }
  }
  return [...paths].map((path) => basename(path));
}

/** A thirtieth less than esbuild leaves, once it is gzipped. */
async function shorten(script) {
  const { code } = await shortenScript(script, { module: true, ecma: 2020, compress: { passes: 2 } });
  return code;
}

/** Returns the files of the page: `{ name, contentType, etag, content, gzip }`, the page itself first. */
export async function bundlePage({ minify = true } = {}) {
  const { outputFiles, metafile } = await build({
    // Names have hashes of paths: they are the same in each folder, and where node_modules is a link.
    absWorkingDir: root,
    preserveSymlinks: true,
    entryPoints: { page: join(ui, 'main.tsx'), style: join(ui, 'styles/page.css') },
    outdir: ui,
    entryNames: '[name]-[hash]',
    // A view is a file of its own, which is fetched when it is opened, and so is what only some views share.
    chunkNames: '[name]-[hash]',
    splitting: true,
    plugins: [shareParts, namesOnly],
    metafile: true,
    bundle: true,
    write: false,
    minify,
    format: 'esm',
    target: ['chrome111', 'firefox114', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: {},
    // What package.json says about side effects is about the library: modules of the page may have some.
    ignoreAnnotations: true,
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'warning',
  });
  const bundled = await Promise.all(
    outputFiles.map(async ({ path, text }) => {
      const isScript = minify && extname(path) === '.js';
      return { name: path.slice(ui.length + 1), content: Buffer.from(isScript ? await shorten(text) : text) };
    }),
  );
  const nameOf = (extension) =>
    bundled.find(({ name }) => /^(page|style)-/.test(name) && name.endsWith(extension)).name;
  const html = readFileSync(join(ui, 'index.html'), 'utf8')
    .replace('{{css}}', nameOf('.css'))
    .replace('{{js}}', nameOf('.js'))
    .replace('{{preload}}', () =>
      scriptsOf(metafile, 'ui/main.tsx')
        .filter((name) => name !== nameOf('.js'))
        .map((name) => `<link rel="modulepreload" href="${name}" />`)
        .join(''),
    );
  const texts = [
    { name: 'index.html', content: Buffer.from(html) },
    { name: 'licenses.txt', content: Buffer.from(readLicenses(['preact', 'uplot'])) },
  ];
  const files = [...texts, ...bundled].map((file) => ({
    ...file,
    contentType: CONTENT_TYPES[extname(file.name)],
    etag: `"${createHash('sha256').update(file.content).digest('hex').slice(0, 16)}"`,
    gzip: gzipSync(file.content, { level: constants.Z_BEST_COMPRESSION }),
  }));
  if (minify) {
    checkWeight('the page', files, BUDGET_BYTES);
    const scripts = scriptsOf(metafile, 'ui/main.tsx', 'overview/view.tsx');
    const first = files.filter(({ name }) => /\.(html|css)$/.test(name) || scripts.includes(name));
    checkWeight('the first visit', first, FIRST_VISIT_BYTES);
  }
  return files;
}

/** Replaces the empty list in `dashboard/ui/page-assets.js` of the compiled library. */
export async function writePage(out) {
  const assets = (await bundlePage()).map(({ name, contentType, etag, gzip }) => ({
    name,
    contentType,
    etag,
    gzip: gzip.toString('base64'),
  }));
  const path = join(out, 'dashboard/ui/page-assets.js');
  const source = readFileSync(path, 'utf8');
  const empty = 'export const PAGE_ASSETS = [];';
  if (!source.includes(empty)) throw new Error(`${path} has no "${empty}" to fill`);
  writeFileSync(
    path,
    source.replace(empty, () => `${empty.slice(0, -3)}${JSON.stringify(assets)};`),
  );
  return assets.reduce((sum, { gzip }) => sum + Buffer.byteLength(gzip, 'base64'), 0);
}

// node scripts/build-ui.mjs [folder]: says what the page weighs, and writes its files into the folder.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder] = process.argv;
  if (folder) mkdirSync(folder, { recursive: true });
  for (const { name, content, gzip } of await bundlePage()) {
    if (folder) writeFileSync(join(folder, name), content);
    console.log(`${name}: ${content.length} bytes, ${gzip.length} gzipped`);
  }
}
