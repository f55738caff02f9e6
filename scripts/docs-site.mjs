// Builds the documentation as a site, into .cache/site: `npm run docs:build`
//
// The pages are README.md and docs/, unchanged but for the links of the README; TypeDoc makes the reference of the API. A dead
// link, a page that is not in the sidebar or a type that TypeDoc cannot read fails the build. VitePress and TypeDoc are
// installed once per lockfile, outside of the repository.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { installApart, openRunFolder } from './prepare/package-apart.mjs';
import { runCommand } from './prepare/run-command.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const website = join(root, 'website');
const output = join(root, '.cache/site');

const started = performance.now();
const installed = installApart(website);
const folder = openRunFolder(installed);

function collectPages() {
  cpSync(join(root, 'docs'), folder, { recursive: true });
  const page = (from) => readFileSync(join(root, from), 'utf8');
  const readme = page('README.md')
    .replaceAll('](docs/', '](./')
    .replaceAll('"docs/images/', '"./images/')
    .replaceAll('](CONTRIBUTING.md)', '](./contributing.md)')
    .replaceAll('](CHANGELOG.md)', '](./changelog.md)')
    .replaceAll('](LICENSE)', '](./license.md)');
  writeFileSync(join(folder, 'index.md'), readme);
  for (const name of ['CHANGELOG', 'CONTRIBUTING'])
    writeFileSync(join(folder, `${name.toLowerCase()}.md`), page(`${name}.md`).replaceAll('](docs/', '](./'));
  writeFileSync(join(folder, 'license.md'), `# Licence\n\n\`\`\`text\n${page('LICENSE')}\n\`\`\`\n`);
  mkdirSync(join(folder, '.vitepress'));
  for (const part of ['config.mjs', 'sidebar.mjs', 'theme'])
    cpSync(join(website, part), join(folder, '.vitepress', part), { recursive: true });
}

/** Runs a tool with the Node that runs this. */
function runTool(script, args) {
  runCommand(process.execPath, [join(installed, 'node_modules', script), ...args], { cwd: folder });
}

function writeReference() {
  const entries = ['index', 'testing/index'];
  const options = {
    ...JSON.parse(readFileSync(join(website, 'typedoc.json'), 'utf8')),
    entryPoints: entries.map((name) => join(root, `lib/${name}.ts`)),
    plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme', join(website, 'entry-names.mjs')],
    tsconfig: join(root, 'tsconfig.lib.json'),
    basePath: join(root, 'lib'),
    out: join(folder, 'api'),
    docsRoot: folder,
  };
  writeFileSync(join(folder, 'typedoc.json'), JSON.stringify(options));
  runTool('typedoc/bin/typedoc', ['--options', join(folder, 'typedoc.json')]);
}

try {
  collectPages();
  writeReference();
  rmSync(output, { recursive: true, force: true });
  runTool('vitepress/bin/vitepress.js', ['build', folder, '--outDir', output]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`wrote ${output} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
