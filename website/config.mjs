// The configuration of VitePress; scripts/docs-site.mjs puts it beside the pages.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitepress';

import { SIDEBAR } from './sidebar.mjs';

const pages = fileURLToPath(new URL('..', import.meta.url));
const read = (name) => readFileSync(`${pages}/${name}`, 'utf8');

const listed = Object.values(SIDEBAR).flat();
const there = readdirSync(pages, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md') && !name.startsWith('api/'))
  .map((name) => name.replace(/\.md$/, ''));
const missing = [
  ...there.filter((name) => !listed.includes(name)),
  ...listed.filter((name) => !there.includes(name)),
];
if (missing.length > 0) throw new Error(`website/sidebar.mjs and docs/ differ: ${missing.join(', ')}`);

/** The first heading of a page. */
const titleOf = (name) =>
  name === 'index' ? 'Overview' : (/^# (.*)$/m.exec(read(`${name}.md`))?.[1] ?? name).replaceAll('`', '');

/** As a Git host makes them of headings, so that links to headings work there and here; test/docs checks them. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

export default defineConfig({
  title: 'nestjs-telemetry',
  description: 'Traces, metrics and logs of a NestJS service from one import',
  base: process.env.DOCS_BASE ?? '/',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  // Addresses of the reader's own machine.
  ignoreDeadLinks: 'localhostLinks',
  markdown: { anchor: { slugify } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Configuration', link: '/configuration' },
      { text: 'What is recorded', link: '/recorded' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: [
      ...Object.entries(SIDEBAR).map(([text, names]) => ({
        text,
        collapsed: text !== 'Get started',
        items: names.map((name) => ({ text: titleOf(name), link: name === 'index' ? '/' : `/${name}` })),
      })),
      { text: 'API', link: '/api/', collapsed: true, items: JSON.parse(read('api/typedoc-sidebar.json')) },
    ],
  },
});
