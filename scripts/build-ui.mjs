// Bundles lib/dashboard/ui into the files of the page, and writes them as a module where the server looks for them. The page has to be
// found from an ESM and a CommonJS build alike, and from a bundle: as strings of a module it always is.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const ui = join(root, 'lib/dashboard/ui');

/** What a first visit may cost, gzipped. */
const BUDGET_BYTES = 120_000;

const CONTENT_TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** The licences of what is bundled ask to go with it. */
function readLicenses() {
  return ['preact', 'uplot']
    .map((name) => {
      const folder = join(root, 'node_modules', name);
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`;
    })
    .join('\n----\n\n');
}

/** Returns the files of the page: `{ name, contentType, etag, content, gzip }`, the page itself first. */
export async function bundlePage({ minify = true } = {}) {
  const { outputFiles } = await build({
    entryPoints: { page: join(ui, 'main.tsx'), style: join(ui, 'styles/page.css') },
    outdir: ui,
    entryNames: '[name]-[hash]',
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
  const bundled = outputFiles.map(({ path, contents }) => ({
    name: path.slice(ui.length + 1),
    content: Buffer.from(contents),
  }));
  const nameOf = (extension) => bundled.find(({ name }) => name.endsWith(extension)).name;
  const html = readFileSync(join(ui, 'index.html'), 'utf8')
    .replace('{{css}}', nameOf('.css'))
    .replace('{{js}}', nameOf('.js'));
  const texts = [
    { name: 'index.html', content: Buffer.from(html) },
    { name: 'licenses.txt', content: Buffer.from(readLicenses()) },
  ];
  const files = [...texts, ...bundled].map((file) => ({
    ...file,
    contentType: CONTENT_TYPES[extname(file.name)],
    etag: `"${createHash('sha256').update(file.content).digest('hex').slice(0, 16)}"`,
    gzip: gzipSync(file.content, { level: constants.Z_BEST_COMPRESSION }),
  }));
  const bytes = files.reduce((sum, { gzip }) => sum + gzip.length, 0);
  if (minify && bytes > BUDGET_BYTES) {
    throw new Error(`the page takes ${bytes} bytes gzipped, more than the ${BUDGET_BYTES} it may`);
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
