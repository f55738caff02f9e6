// The page with made-up data, to work on it: node test/dashboard/ui/serve.mjs [port]. The page is bundled again on every load.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';

import { bundlePage } from '../../../scripts/build-ui.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const out = join(root, '.cache/dashboard-fixture/fixture-server.mjs');
mkdirSync(join(out, '..'), { recursive: true });
await build({
  entryPoints: [join(root, 'test/dashboard/ui/fixture/fixture-server.ts')],
  outfile: out,
  bundle: true,
  platform: 'node',
  format: 'esm',
  // The routes of panels reach NestJS, whose optional packages are not installed.
  packages: 'external',
  logLevel: 'warning',
});
const { startFixtureServer } = await import(pathToFileURL(out).href);
const server = await startFixtureServer({
  files: () => bundlePage({ minify: false }),
  port: Number(process.argv[2] ?? 4680),
  liveEveryMs: 700,
});
console.log(`The page with made-up data: ${server.url}`);
